"""The number an upstream assigned, however it wrote it.

The documents show 10 digits without a country code. For a British prospect that is a British number, though
its digits could be an American one's too.
"""

import re

from gateway.model.phone import PhoneNumber, parse_phone

# National numbers that may be shown: geographic 1 and 2, organisations 3, mobile 7, free and shared-cost 8
# (Ofcom's National Telephone Numbering Plan); 9 or 10 digits, a trunk 0 before them at most.
_BRITISH = re.compile(r"0?([12378][0-9]{8,9})", re.ASCII)


def assigned_number(text: object, prospect: PhoneNumber) -> PhoneNumber | None:
    """The number `text` stands for as an answer for `prospect`; `None` when it is none."""
    if not isinstance(text, str):
        return None
    if prospect.e164.startswith("+44") and (british := _BRITISH.fullmatch(text)) is not None:
        return PhoneNumber("+44" + british[1])
    return parse_phone(text)
