"""`ani-gateway` with the garbage collector as Python starts with it, to show what the tuning brings."""

from gateway.cli.main import main
from gateway.service import worker

if __name__ == "__main__":
    worker.settle_memory = lambda: None  # type: ignore[attr-defined]  # not exported
    main()
