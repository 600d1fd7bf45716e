"""The daemon: claims due tasks, runs at most N of them at once, settles each one."""
