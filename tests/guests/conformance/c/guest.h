/* What the files of the conformance guest share. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sessile.h"

#define UNSUPPORTED "unsupported"

/* What a command is answered by is the caller's to free; NULL where there is no answer, or it was sent. */
char *answerf(const char *format, ...) SESSILE_FORMAT(1, 2);
/* A list's texts, which are freed, with bars between them. */
char *joined(sessile_list list);
/* One more of them, which becomes the list's. */
void add(sessile_list *list, char *item);
/* What follows a verb and a blank; NULL where it is another verb. */
const char *argument(const char *line, const char *verb);
/* The word up to the next blank, which is the caller's, and what follows it. */
char *word(const char **rest);
bool is_query(sessile_id of, const char *wanted);
/* The answer that a status is; where it is the handler's end, the status itself is left. */
sessile_status settle(sessile_status *status, char **answer);

/* Commands: those that HTTP has too, and all. */
sessile_status of_any(sessile_id of, const char *line, char **answer);
sessile_status of_websocket(sessile_id ws, const char *line, char **answer);
/* Alarms, and their commands. */
sessile_status rang(sessile_id id, const sessile_alarm *alarm);
sessile_status of_alarms(sessile_id of, const char *line, char **answer);

/* The commands of groups and connections. */
sessile_status join_as(sessile_id ws, const char *line, char **answer);
sessile_status of_realtime(sessile_id of, const char *line, char **answer);

/* When a websocket has ended: tells the group that the path names. */
sessile_status left(sessile_id ws, uint16_t code, const char *reason);

/* Raw events. */
sessile_status raw_echo(sessile_id ws);
sessile_status raw_deny(sessile_id ws);

/* HTTP. */
sessile_status answer(sessile_id ex);
