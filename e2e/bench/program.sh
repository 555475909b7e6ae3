#!/bin/sh
# What program.c does, where there is no C compiler; the time is that of the reader.
case $1 in /*) stamps=$1 ;; *) stamps=stamps ;; esac
echo $$ >"$stamps"
if [ -n "$2" ]; then
    read -r _ <"$3"
    yes xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx | head -n "$2"
    echo $$ >"$stamps"
    [ -n "$4" ] && exit 0
fi
exec sleep 1000000000
