"""What stands below the options in har-stream --help: examples, URIs, exit codes, environment and files."""

from __future__ import annotations

from typing import Final

EXAMPLES: Final = """\
examples:
  har-stream --source serial:/dev/ttyUSB0                    a sensor on a serial port
  har-stream --source 'sim:?devices=3'                       three simulated people on the terminal
  har-stream --source 'replay:HAPT.zip?speed=max&subject=1'  a recorded volunteer, as fast as it goes
  har-stream --source 'mqtt://localhost/har/+/imu' --sink mqtt://localhost/har
                                                             from devices on a broker, and back to it
  har-stream --broker embedded --source mqtt://localhost --sink mqtt://localhost/har
                                                             the same with a broker of its own
  har-stream --source sim: --sink mqtt://localhost/har --sink jsonl:labels.jsonl
  har-stream --source 'replay:phone.csv' --state kept --calibrate phone
                                                             learn from ten seconds of walking how phone is worn
  har-stream --source 'sim:?devices=3' --record walks        keep the raw samples, a .csv.gz for each device
  har-stream label phone walking                             label them while it runs, as the live page does
  har-stream --source sim: --http 127.0.0.1:9500             the live page elsewhere than on 127.0.0.1:9478
"""

URIS: Final = """
sources:
  serial:PORT?baud=115200&format=auto|...&profile=NAME&device=ID&rate=HZ
                   a sensor on a serial port: its path, by-id name or serial number (har-stream ports lists them);
                   the format is told from the bytes, units and axes by the profile (see config.toml)
  mqtts://user@host:port/TOPIC,...?format=auto&profile=NAME   (mqtt:// without TLS, on this machine)
                   devices on a broker, by default on har/+/imu (+ is the device) and sensor-logger; the password
                   in HAR_STREAM_MQTT_PASSWORD or mqtt.password_file
  replay:PATH?speed=1|N|max&split=train|test|all&subject=1,3&loop=no|yes
                   HAPT or UCI HAR (folder or .zip as downloaded), a recording .csv / .csv.gz, or a folder of such;
                   &profile=NAME for a recording whose columns are not g and rad/s
  sim:?devices=N&script=day|ACTIVITY:SECONDS,...&seed=N&speed=1|N|max&loop=yes|no
sinks:
  stdout:          a live table on a terminal, JSON lines in a pipe
  jsonl:FILE       JSON lines, appended to a file
  history:FILE     who had which activity from when to when, kept in an SQLite file (har-stream report)
  mqtts://user@host:port/prefix
                   topics on a broker: the label of each device retained, and the JSON line of each window
"""

CODES: Final = """
exit codes:
  0    ended as asked, or the source did
  1    a part of the stream failed for good; no calibration; no serial port
  66   data that cannot be read
  69   a server that cannot be reached
  74   an error of input or output
  78   a fault of the configuration, which is named
  130  Ctrl-C while the command was being loaded
"""

SIGNALS: Final = """
signals:
  TERM, INT        end: what waits goes through, for queues.drain_s at most
  HUP              read the configuration again (where a terminal controls the process: end)
"""

ENVIRONMENT: Final = """
environment:
  HAR_STREAM_CONFIG          the configuration file, if --config does not give it
  HAR_STREAM_KEY             any key of it, such as HAR_STREAM_SOURCE or HAR_STREAM_INTAKE_MAX_DEVICES; goes before
                             the file, and the command line before it
  HAR_STREAM_MQTT_PASSWORD   the broker's password
  HAR_STREAM_HTTP_TOKEN      what must be shown to read or label over HTTP
  STATE_DIRECTORY, NOTIFY_SOCKET, WATCHDOG_USEC, CREDENTIALS_DIRECTORY
                             set by systemd
"""

FILES: Final = """
files:
  config.toml                every key with its default and a comment: har-stream config --print-default
  ~/.local/state/har-stream/devices.json
                             what was learned about each device
"""

RUN_END: Final = EXAMPLES + URIS + CODES + SIGNALS + ENVIRONMENT + FILES
END: Final = EXAMPLES + CODES + ENVIRONMENT + FILES

REMOVE_END: Final = (
    """\
examples:
  har-stream home-assistant remove --sink mqtt://localhost/har             all devices of this daemon
  har-stream home-assistant remove --sink mqtt://localhost/har watch       one
  har-stream home-assistant remove --sink mqtt://localhost/har --topics watch
                                      what the broker retains under har/watch as well

A device that still sends is announced again when the daemon is started again, or its broker or Home Assistant come
back: stop it first.
"""
    + CODES
)

LABEL_END: Final = (
    """\
examples:
  har-stream --source mqtt://localhost --record walks      a stream that records
  har-stream label phone walking                           phone's body walks from now on
  har-stream label phone none                              and from now on nobody says what it does
  har-stream label                                         what was said, and how much is gathered

A label holds from the sample that comes as the command is given, in the recording's last column: give it once you are
under way, and none before you stop. It ends where nothing comes for a minute, and with the stream. The live page has
buttons for the same. har-train fit --data walks trains on what was gathered.
"""
    + CODES
    + ENVIRONMENT
)

CHECK_END: Final = (
    """\
examples:
  har-stream check --config config.toml
  har-stream check --source serial:/dev/ttyUSB0 --sink mqtt://localhost/har

Every fault is a line on stderr that names its key. A file that names no source is right: the command line may.

exit codes:
  0    the configuration is right
  78   it is not
"""
    + ENVIRONMENT
)

CONFIG_END: Final = (
    """\
examples:
  har-stream config --print-default > my.toml
  har-stream config --show --config my.toml --source sim:

exit codes:
  0    printed
  78   with --show: there are faults, which are named on stderr; what is right is shown
"""
    + ENVIRONMENT
)

COMPLETION_END: Final = """\
examples:
  har-stream completion bash | sudo tee /etc/bash_completion.d/har-stream
  har-stream completion zsh > ~/.zfunc/_har-stream           with fpath+=~/.zfunc before compinit in ~/.zshrc
  har-stream completion fish > ~/.config/fish/completions/har-stream.fish

har-bridge completion and har-train completion do the same for theirs.
"""
