"""What notebooks and reports show: pure functions from histories, verdicts and the plan."""
