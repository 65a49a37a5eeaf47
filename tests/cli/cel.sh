#!/bin/sh
# Command lines of `vmconform cel` and what they must do: cel.sh PROGRAM
# Each case: name, wanted exit status, wanted text (a basic regular expression), and the command.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1")
. "$here/lib.sh"
cd "$work" || exit 2
eval_="$program cel eval"
check_="$program cel check"

# ---- the command as such ----
check no-subcommand 2 '^usage: vmconform cel SUBCOMMAND' "$program" cel
check help 0 '^  eval   the value of an expression' "$program" cel --help
check unknown-subcommand 2 "did you mean 'check'" "$program" cel chek
check eval-help 0 '^usage: vmconform cel eval' $eval_ --help
check check-help 0 '^usage: vmconform cel check' $check_ --help
check no-expression 2 'expected one expression, found 0' $eval_
check two-expressions 2 'expected one expression, found 2' $check_ 1 2
check env-unknown 2 "unknown environment 'kubernetis'" $eval_ 1 --env kubernetis
check version-old 2 "expected 1.27 to 1.99, found '1.5'" $eval_ 1 --kubernetes-version 1.5
check version-no-number 2 "expected 1.27 to 1.99, found '1.+30'" $eval_ 1 --kubernetes-version 1.+30
check version-of-standard 2 'is of --env kubernetes' $eval_ 1 --env standard --kubernetes-version 1.30

# ---- values ----
check value 0 '^true$' $eval_ 'object.spec.replicas > 1' --var 'object={"spec": {"replicas": 2}}'
check value-of-several 0 "^'ab'\$" $eval_ 'x + y.z' --var 'x="a"' --var 'y.z="b"'
check value-of-a-map 0 "^{'a': \[1, 2.0, null\]}\$" $eval_ x --var 'x={"a": [1, 2.0, null]}'
check cost 0 '^cost: 4$' $eval_ 'object.spec.replicas > 1' --var 'object={"spec": {"replicas": 2}}' --cost
check cost-of-a-failure 1 '^cost: 2$' $eval_ x.y --var 'x={}' --cost
check fails 1 '^error: no such key: y$' $eval_ x.y --var 'x={}'
check costs-too-much 1 '^error: operation cancelled: actual cost limit exceeded$' \
    $eval_ 'lists.range(1000).all(x, lists.range(1000).all(y, true))'
check value-is-no-json 2 '^x:1:2: error: ' $eval_ 1 --var 'x=['
check variable-without-value 2 "expected NAME=JSON, found 'x'" $eval_ 1 --var x
check variable-is-no-name 2 "expected NAME=JSON, found '9=1'" $eval_ 1 --var 9=1
check variable-ends-in-dot 2 "expected NAME=JSON, found 'a.=1'" $eval_ 1 --var a.=1
check variable-twice 2 "'x' is given twice" $eval_ x --var x=1 --var x=2
check standard 0 '^3$' $eval_ 'math.abs(-3)' --env standard
check not-of-kubernetes 1 "^ERROR: <input>:1:1: undeclared reference to 'math' (in container '')\$" $eval_ 'math.abs(-3)'
check of-a-version 0 '^true$' $eval_ "isIP('10.0.0.1')" --kubernetes-version 1.30
check not-yet 1 "undeclared reference to 'isIP'" $eval_ "isIP('10.0.0.1')" --kubernetes-version 1.29

# ---- types ----
check type 0 '^map(string, list(int))$' $check_ x --var 'x:map(string, list(int))'
check type-of-a-call 0 '^optional_type(string)$' $check_ "x[?'a']" --var 'x:map(string,string)'
check type-of-dyn 0 '^dyn$' $check_ x.y.z --var x:dyn
check mistake 1 "^ERROR: <input>:1:12: found no matching overload for '_==_' applied to '(string, int)'\$" \
    $check_ 'labels.app == 1' --var 'labels:map(string, string)'
check mistake-in-its-line 1 '^ | \.\.\.\.\.\.\.\.\.\.\.^$' $check_ 'labels.app == 1' --var 'labels:map(string, string)'
check mixed 1 "expected type 'int' but found 'string'" $check_ "[1, 'a']"
check mixed-standard 0 '^list(dyn)$' $check_ "[1, 'a']" --env standard
check no-type 2 "'list(' is no type (character 6)" $check_ x --var 'x:list('
check no-type-at-all 2 "expected NAME:TYPE, found 'x'" $check_ x --var x

# ---- hostile ----
check deep 1 'nested deeper than 100' $check_ "$(printf '%5000s' '' | tr ' ' '[')"
check long 1 'the limit is 65536' $check_ "$(printf '%70000s' '')1"
check no-utf-8 1 'is not valid UTF-8' $check_ "$(printf "'\\377'")"
check empty 1 '^ERROR: <input>:1:1: ' $check_ ''

echo "$count command lines, $failed failed"
[ "$failed" -eq 0 ]
