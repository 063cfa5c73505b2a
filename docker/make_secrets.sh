#!/bin/sh
# Makes the secrets that compose.yaml mounts, one file each; a file that is there stays.
# Write your own hospital's address into hospital_source_url afterwards.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
chmod 700 secrets

secret() {
  [ -e "secrets/$1" ] || printf '%s' "$2" > "secrets/$1"
  # The services read them as another user; the folder keeps other people out.
  chmod 644 "secrets/$1"
}

random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n'; }
word() { random | tr -d '=_-'; }

secret airflow_fernet_key "$(random)"
secret airflow_api_secret "$(word)"
secret airflow_jwt_secret "$(word)$(word)"
secret postgres_password "$(word)"
secret redis_password "$(word)"
postgres="postgresql+psycopg://postgres:$(cat secrets/postgres_password)@postgres:5432"
secret airflow_database "$postgres/airflow"
secret mlflow_database "$postgres/mlflow"
secret hospital_warehouse_url "$postgres/warehouse"
secret hospital_source_url "$postgres/source"
secret celery_broker "redis://:$(cat secrets/redis_password)@redis:6379/0"
