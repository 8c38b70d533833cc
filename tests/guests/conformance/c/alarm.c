/* Alarms. */

#define _GNU_SOURCE
#include <time.h>

#include "guest.h"

sessile_status rang(sessile_id id, const sessile_alarm *alarm) {
    SESSILE_TRY(sessile_publishf("alarms", "alarm %s %u %s", alarm->name, alarm->attempt, alarm->payload));
    if (strcmp(alarm->payload, "fail") == 0 && alarm->attempt == 1) return sessile_fail("told to fail");
    if (strcmp(alarm->payload, "session") != 0) return SESSILE_OK;
    SESSILE_TRY(sessile_session_open(id));
    return sessile_session_set_text(id, "news", alarm->name);
}

static uint64_t in(uint64_t milliseconds) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 + milliseconds;
}

static sessile_status set(const sessile_id *session_of, const char *line, char **answer) {
    char *name = word(&line), *milliseconds = word(&line);
    uint64_t due = in(strtoull(milliseconds, NULL, 10));
    sessile_status status = sessile_alarm_set(session_of, name, due, line, strlen(line));
    *answer = answerf("ok");
    free(name);
    free(milliseconds);
    return status;
}

sessile_status of_alarms(sessile_id of, const char *line, char **answer) {
    const char *rest;
    if ((rest = argument(line, "set"))) return set(NULL, rest, answer);
    if ((rest = argument(line, "set-session"))) {
        SESSILE_TRY(sessile_session_open(of));
        return set(&of, rest, answer);
    }
    if ((rest = argument(line, "cancel"))) {
        bool was_there = false;
        sessile_status status = sessile_alarm_cancel(NULL, rest, &was_there);
        *answer = answerf(was_there ? "true" : "false");
        return status;
    }
    if (argument(line, "list") == NULL) {
        *answer = answerf(UNSUPPORTED);
        return SESSILE_OK;
    }
    sessile_alarms all = {.session_of = NULL};
    sessile_list names = {NULL, 0};
    const sessile_alarm *alarm;
    sessile_status status;
    while ((status = sessile_alarms_next(&all, &alarm)) == SESSILE_OK && alarm != NULL)
        add(&names, answerf("%s", alarm->name));
    *answer = joined(names);
    return status;
}
