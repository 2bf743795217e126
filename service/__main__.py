"""`python -m service` is the same program as `tunewatch`."""

from service import cli

if __name__ == "__main__":
    cli.main()
