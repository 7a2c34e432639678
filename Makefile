# make demo   a simulated day, live; needs Python 3.11, nothing else
# make test   everything the tests need, then all of them
# make faults   the tests of faults at full length, and their table in docs/RELIABILITY.md
# make lint   ruff and mypy alone
# make fuzz   a minute of fuzzing for each thing that takes foreign bytes; FUZZ_SECONDS, FUZZ_TARGETS
# make soak   ten minutes of faults for two real streams; SOAK_MINUTES, SOAK_SEED
# make man    manual pages of the three commands, in build/man
# make pictures   the live page's pictures for README.md, in docs

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := sim:?devices=3&speed=20&loop=no

# The tests need a broker with certificates, Prometheus, systemd's analysis, shells, a clock that can be set and links
# that can be drawn, and for the firmware compilers for PC, AVR and ARM, Arduino's core and a simulated AVR; the live page
# a browser.
APT_PACKAGES := mosquitto openssl prometheus gcc libc6-dev gcc-avr binutils-avr avr-libc arduino-core-avr \
	gcc-arm-none-eabi libnewlib-dev libsimavr-dev libelf-dev systemd bash zsh fish chromium iproute2 libfaketime
SYSTEM_TOOLS := mosquitto openssl prometheus promtool gcc avr-gcc avr-g++ avr-size arm-none-eabi-gcc systemd-analyze \
	bash zsh fish chromium ip
SYSTEM_FILES := /usr/include/string.h /usr/lib/avr/include/avr/io.h /usr/include/newlib/string.h \
	/usr/include/simavr/sim_avr.h /usr/include/libelf.h /usr/share/arduino/hardware/arduino/avr/cores/arduino \
	/usr/lib/*/faketime/libfaketimeMT.so.1

# A system that packs venv apart (Debian, Ubuntu) gets it installed where that may be done, else is told how.
define NO_VENV
Python's venv module is missing, and it can only be installed by root: sudo apt-get install python3-venv
endef
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo -n)
APT := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get

.PHONY: demo test lint clean

demo: $(BIN)/.core
	$(BIN)/har-stream --source '$(DEMO)'

test: $(BIN)/.dev system-packages
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto --dist loadfile

.PHONY: faults
faults: $(BIN)/.dev system-packages
	HAR_STREAM_FAULTS=full $(BIN)/python -m pytest -n auto --dist worksteal tests/faults \
		-p tests.faults.table --faults-table docs/RELIABILITY.md

lint: $(BIN)/.dev
	$(BIN)/ruff check .
	$(BIN)/mypy

# A minute of fuzzing for each target, or FUZZ_SECONDS; what is found is kept in build/fuzz and serves the next run.
FUZZ_SECONDS ?= 60

.PHONY: fuzz
fuzz: $(BIN)/.fuzz
	$(BIN)/python -m tests.fuzz.run --seconds $(FUZZ_SECONDS) $(FUZZ_TARGETS)

# Ten minutes of faults for two real streams, or SOAK_MINUTES=1440 for a day.
SOAK_MINUTES ?= 10
SOAK_SEED ?= 1

.PHONY: soak
soak: $(BIN)/.dev system-packages
	$(BIN)/python -m tests.soak.run --minutes $(SOAK_MINUTES) --seed $(SOAK_SEED) --json build/soak.json

.PHONY: man
man: $(BIN)/.dev
	mkdir -p build/man
	$(call man_page,har-stream,har_stream.cli,parser)
	$(call man_page,har-bridge,har_stream.bridge.cli,parser)
	$(call man_page,har-train,training.cli,parser)

man_page = $(BIN)/argparse-manpage --prog $(1) --module $(2) --function $(3) --project-name har-stream \
	--description 'Live human activity recognition' --output build/man/$(1).1

.PHONY: pictures
pictures: $(BIN)/.dev system-packages
	$(BIN)/python docs/page_picture.py

.PHONY: system-packages
system-packages:
	@( PATH=$$PATH:/usr/sbin; for tool in $(SYSTEM_TOOLS); do command -v $$tool || exit 1; done; \
		ls -d $(SYSTEM_FILES) ) >/dev/null 2>&1 || \
		{ $(APT) update -qq && $(APT) install -y -qq --no-install-recommends $(APT_PACKAGES); } || \
		{ echo "The tests need $(APT_PACKAGES): sudo apt-get install $(APT_PACKAGES)"; exit 1; }

$(BIN)/.venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "har-stream needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ $(APT) update -qq && $(APT) install -y -qq --no-install-recommends python3-venv; } || \
		{ echo "$(NO_VENV)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@

$(BIN)/.core: $(BIN)/.venv setup.cfg
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(BIN)/.dev: $(BIN)/.core setup.cfg
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[train,dev]'
	touch $@

$(BIN)/.fuzz: $(BIN)/.dev setup.cfg
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[train,dev,fuzz]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
