#!/bin/sh
# Prepares Dagster's home, builds the address of PostgreSQL from its secret, and starts a service.
set -eu

if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
    password=$(cat "$POSTGRES_PASSWORD_FILE")
    FINANCIAL_PIPELINE_POSTGRES_URL="postgresql+psycopg2://dagster:$password@${POSTGRES_HOST:-postgres}:${POSTGRES_PORT:-5432}/dagster"
    export FINANCIAL_PIPELINE_POSTGRES_URL
    profile=docs/dagster.postgres.yaml
else
    profile=dagster.yaml
fi
mkdir -p "$DAGSTER_HOME"
# Several services start at once; a rename never shows them half a file.
cp "$profile" "$DAGSTER_HOME/.dagster.yaml.$$"
mv "$DAGSTER_HOME/.dagster.yaml.$$" "$DAGSTER_HOME/dagster.yaml"
case "$*" in
    "dagster code-server start "*) python -m financial_pipeline.event_storage.lost_runs & ;;
esac
exec "$@"
