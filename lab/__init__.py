"""Five real Docker Swarms on one Linux machine, for trying and testing a deployer."""
