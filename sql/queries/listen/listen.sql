-- One channel for all: the payload says whom it is for, and idle runners are few.
LISTEN oppspot_wake
