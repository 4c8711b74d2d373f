#!/bin/sh
file=$1
shift
printf "%s\n" "$@" > "$file"
