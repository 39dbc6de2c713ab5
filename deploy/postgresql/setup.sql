-- SPDX-License-Identifier: Apache-2.0
-- Run once in Certwright's own database, by its owner (who needs CREATEROLE) or a superuser; it may be repeated.
-- Passwords come separately (ALTER ROLE … PASSWORD): a role without one cannot sign in.
--
-- Two roles and one schema a service. certwright_<service>_owner owns the schema and migrates it; nothing else runs as
-- that role. certwright_<service> is what the service runs as: each migration grants it its rights, and never the right
-- to change or remove an event. The trigger on the events table refuses that to everybody; this is the second lock.

DO $setup$
DECLARE
    service text;
    role text;
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    FOREACH service IN ARRAY
        ARRAY['accounts', 'alerts', 'billing', 'ca', 'dcv', 'discovery', 'installer', 'orders']
    LOOP
        FOREACH role IN ARRAY ARRAY['certwright_' || service || '_owner', 'certwright_' || service] LOOP
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
                EXECUTE format('CREATE ROLE %I LOGIN', role);
            END IF;
            EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role);
        END LOOP;
        EXECUTE format('GRANT %I TO CURRENT_USER', 'certwright_' || service || '_owner');
        EXECUTE format(
            'CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', service, 'certwright_' || service || '_owner');
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', service, 'certwright_' || service);
    END LOOP;
END
$setup$;
