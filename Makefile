# Names the entries; CMake and scripts/ do the work. `make run` and `make test` need nothing but make.
.POSIX:
.PHONY: help run build test bench format lint clean

help:
	@echo 'make run      install what is missing, build, replay every scenario, write build/reports/'
	@echo 'make build    build the program alone: build/release/vmconform'
	@echo 'make test     every test, with gcc and with clang, under ASan and UBSan'
	@echo 'make bench    how fast it is; BEFORE=COMMIT puts an older commit beside it'
	@echo 'make format   lay the sources out with clang-format'
	@echo 'make lint     check the layout, and look for trouble with clang-tidy'
	@echo 'make clean    remove build/'

run:
	@scripts/run

build:
	@scripts/install-deps run
	@scripts/build release vmconform

test:
	@scripts/test

bench:
	@if [ -n "$(BEFORE)" ]; then scripts/bench-against "$(BEFORE)"; else scripts/bench; fi

format:
	@scripts/format

lint:
	@scripts/lint

clean:
	rm -rf build
