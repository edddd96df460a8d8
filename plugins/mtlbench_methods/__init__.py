"""The methods that come with mtlbench, one module each; every one enters through an entry point."""
