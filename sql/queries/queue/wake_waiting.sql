-- What waits for something that is there already: signals wake by themselves, this is for those that did not.
SELECT wake_waiting() AS woken
