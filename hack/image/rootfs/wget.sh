#!/bin/sh
# busybox wget with timeouts. Debian builds busybox without them: its wget crashes with -T. Here timeout(1) ends wget instead.
# A number of tries is accepted, but wget always tries once.
limit=
left=$#
while [ "$left" -gt 0 ]; do
  argument=$1
  shift
  left=$((left - 1))
  case $argument in
    -T | --timeout | -t | --tries)
      case $argument in -T | --timeout) limit=$1 ;; esac
      shift
      left=$((left - 1))
      ;;
    -T*) limit=${argument#-T} ;;
    --timeout=*) limit=${argument#--timeout=} ;;
    -t[0-9]* | --tries=*) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
[ -n "$limit" ] || exec busybox wget "$@"
busybox timeout "$limit" busybox wget "$@"
code=$?
if [ "$code" = 143 ]; then
  echo 'wget: download timed out' >&2
  exit 1
fi
exit "$code"
