"""Measures the contrast of every text a page shows, from computed styles (WCAG 2.2, 1.4.3)."""

LOWEST_CONTRAST = """(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    // Any way CSS writes a colour, as red, green, blue and opacity.
    const channels = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = ([red, green, blue]) => {
        const part = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        return 0.2126 * part(red / 255) + 0.7152 * part(green / 255) + 0.0722 * part(blue / 255);
    };
    const behind = (node) => {
        for (let each = node; each; each = each.parentElement) {
            const colour = channels(getComputedStyle(each).backgroundColor);
            if (colour[3] === 255) return colour;
        }
        return [255, 255, 255, 255];
    };
    const words = (node) => [...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    let lowest = { ratio: 99, texts: 0 };
    let texts = 0;
    for (const node of document.querySelectorAll('body *')) {
        if (!words(node) || !node.checkVisibility() || node.matches('script, noscript *, noscript')) continue;
        const style = getComputedStyle(node);
        const ink = channels(node.namespaceURI.endsWith('svg') ? style.fill : style.color);
        const [a, b] = [light(ink), light(behind(node))].sort((one, other) => other - one);
        const ratio = (a + 0.05) / (b + 0.05);
        texts += 1;
        if (ratio < lowest.ratio) lowest = { ratio, text: node.textContent, at: node.outerHTML };
    }
    return { ...lowest, texts };
})()"""
"""An expression: the lowest contrast of the page and how many texts were measured."""
