"""The demonstration: a whole move between two embedded servers, act by act.

Beside the floors: it plays the part of a user with an example (its schemas, data, mapping document
and faults), and calls what the command line calls.
"""

from crosswalk.demo.example import Example, find_example
from crosswalk.demo.stage import Stage, build, two_servers
from crosswalk.demo.story import Act, Faults, Script, Story, tell

__all__ = ["Act", "Example", "Faults", "Script", "Stage", "Story", "build", "find_example", "tell", "two_servers"]
