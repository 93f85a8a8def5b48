#!/bin/sh
# Makes the namespace where it is missing. The worker adds the search attributes.
set -eu
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 720h
