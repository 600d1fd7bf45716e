"""All faults, one module each."""

from __future__ import annotations

from tests.chaos.fault import Fault
from tests.chaos.faults.child import Child
from tests.chaos.faults.clock import Clock
from tests.chaos.faults.cut import Cut
from tests.chaos.faults.delay import Delay
from tests.chaos.faults.deploy import Deploy
from tests.chaos.faults.deposed import Deposed
from tests.chaos.faults.exhaust import Exhaust
from tests.chaos.faults.freeze import Freeze
from tests.chaos.faults.full_disk import FullDisk
from tests.chaos.faults.half_open import HalfOpen
from tests.chaos.faults.kill import Kill
from tests.chaos.faults.partition import Partition
from tests.chaos.faults.restart import Restart
from tests.chaos.faults.terminate import Terminate
from tests.chaos.faults.upgrade import Upgrade

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Kill(),
        Child(),
        Freeze(),
        Deposed(),
        Restart(),
        Terminate(),
        Exhaust(),
        HalfOpen(),
        Cut(),
        Partition(),
        Delay(),
        Clock(),
        FullDisk(),
        Deploy(),
        Upgrade(),
    )
}
