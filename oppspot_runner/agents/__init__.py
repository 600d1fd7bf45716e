"""Agents: plug-ins that know their Context and nothing else."""
