#!/bin/sh
# An editor: blue becomes green.
sed -i 's/blue/green/' "$1"
