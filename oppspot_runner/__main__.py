"""`python -m oppspot_runner` is `oppspot-runner`."""

from oppspot_runner.cli.main import main

if __name__ == "__main__":
    main()
