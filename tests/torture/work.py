"""A daemon at work: killed while jobs end and notices go out."""

import time

from tests.torture.ledger import Moment, Trap
from tests.torture.points import COMMITS, DESTINATIONS, PARTS, Kill
from tests.torture.world import World

# A point that was not reached so long after the first look is not reached at all, this time.
_LIMIT_SECONDS = 12
_START_SECONDS = 2.0
_LOOK_SECONDS = 0.8
_WORK_SECONDS = 3.0


def strike(world: World, kill: Kill) -> bool:
    """Start a daemon and make this kill; False when the moment did not come and another one had to do."""
    if kill.place in COMMITS:
        return _at_a_commit(world, kill)
    if kill.place in DESTINATIONS:
        return _at_an_arrival(world, kill)
    return _at_random(world, kill)


def _at_a_commit(world: World, kill: Kill) -> bool:
    if kill.place == "Record.keep_unreadable":
        # A job without an id: nobody could ever ask for it.
        world.simulator.add_raw(None, {"object": "fine_tuning.job", "status": "running", "created_at": time.time()})
    process = world.start(trap=(kill.place, kill.moment, str(kill.count)))
    if kill.place == "Record.gone":
        job_id = world.simulator.create(ending="endless", durations=(0, 0, 0))
        world.fates[job_id] = "either"
        process.await_log(job_id)
        world.simulator.remove(None, job_id)
    if kill.place == "process.stopped" and process.await_passes(1):
        process.stop()
    return _ended_by_itself(world, kill)


def _at_an_arrival(world: World, kill: Kill) -> bool:
    process = world.start()
    moment: Moment = "accepting" if kill.moment == "accepting" else "answered"
    world.ledger.trap = Trap(destination=kill.place, moment=moment, left=kill.count, kill=process.kill)
    return _ended_by_itself(world, kill)


def _ended_by_itself(world: World, kill: Kill) -> bool:
    """Wait for the end that was prepared; when it does not come, a common kill."""
    process = world.running
    process.await_passes(1)
    reached = process.await_end(_LIMIT_SECONDS)
    world.ledger.trap = None
    if not reached:
        process.kill()
    world.over(kill.name if reached else f"random: {PARTS[-1]}")
    return reached


def _at_random(world: World, kill: Kill) -> bool:
    process = world.start()
    if kill.moment == "starting":
        process.await_end(kill.share * _START_SECONDS)
    elif kill.moment == "first look":
        process.await_log("watching")
        process.await_end(kill.share * _LOOK_SECONDS)
    else:
        process.await_passes(1)
        process.await_end(kill.share * _WORK_SECONDS)
    process.kill()
    world.over(kill.name)
    return True
