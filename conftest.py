"""Loads the plugin that runs the plan's tests; users put the same line into their own conftest."""

pytest_plugins = ("gp_helpers.pytest_plugin",)
