-- What PostgreSQL holds besides its own database, made when its volume is new.
CREATE DATABASE airflow;
CREATE DATABASE mlflow;
CREATE DATABASE warehouse;
CREATE DATABASE source;
