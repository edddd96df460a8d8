"""What ``run`` and ``verify`` share; a package of its own so that ``mtlbench --help`` need not import it."""
