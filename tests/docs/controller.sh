#!/bin/sh
# In the place of the example controller in Go: one that does the same, with the same mistakes.
case ${1-} in
--bug=early) WRONG=ready ;;
--bug=name) WRONG=name ;;
*) WRONG= ;;
esac
export WRONG
exec python3 "$ROOT/tests/cli/external/controller.py"
