/* Calls at a time to come. */

#include "internal.h"

enum { PAGE = 100 };

typedef sessile_handler_alarms_error_t error;

static sessile_handler_alarms_owner_t owner(const sessile_id *session_of) {
    sessile_handler_alarms_owner_t whose = {.tag = SESSILE_HANDLER_ALARMS_OWNER_APP};
    if (session_of == NULL) return whose;
    whose.tag = SESSILE_HANDLER_ALARMS_OWNER_SESSION;
    whose.val.session = *session_of;
    return whose;
}

sessile_status sessile_alarm_set(const sessile_id *session_of, const char *name, uint64_t due, const void *payload,
                                 size_t length) {
    error failed;
    sessile_handler_alarms_owner_t whose = owner(session_of);
    wit_string_t text = sessile_text_(name);
    wit_list_u8_t bytes = sessile_bytes_(payload, length);
    bool done = sessile_handler_alarms_set(&whose, &text, sessile_nanoseconds_(due), &bytes, &failed);
    return done ? SESSILE_OK : sessile_alarms_error_(&failed);
}

sessile_status sessile_alarm_cancel(const sessile_id *session_of, const char *name, bool *was_there) {
    error failed;
    bool was;
    sessile_handler_alarms_owner_t whose = owner(session_of);
    wit_string_t text = sessile_text_(name);
    if (!sessile_handler_alarms_cancel(&whose, &text, &was, &failed)) return sessile_alarms_error_(&failed);
    if (was_there != NULL) *was_there = was;
    return SESSILE_OK;
}

void sessile_alarms_free(sessile_alarms *alarms) {
    for (size_t at = 0; at < alarms->count_; at++) {
        free(alarms->page_[at].name);
        free(alarms->page_[at].payload);
    }
    free(alarms->page_);
    *alarms = (sessile_alarms){.session_of = alarms->session_of, .is_ended_ = true};
}

static sessile_alarm taken_over(const sessile_handler_alarms_alarm_t *wire) {
    return (sessile_alarm){
        .name = sessile_own_(wire->name.ptr, wire->name.len),
        .due = wire->due / 1000000,
        .payload = sessile_own_(wire->payload.ptr, wire->payload.len),
        .length = wire->payload.len,
        .attempt = wire->attempt,
    };
}

static sessile_status turn(sessile_alarms *alarms) {
    char *last = NULL;
    if (alarms->page_ != NULL) {
        /* Its name is needed after the page has gone. */
        last = alarms->page_[alarms->count_ - 1].name;
        alarms->page_[alarms->count_ - 1].name = NULL;
    }
    sessile_handler_alarms_owner_t whose = owner(alarms->session_of);
    wit_string_t after = sessile_text_(last);
    sessile_handler_alarms_list_alarm_t list;
    error failed;
    sessile_alarms_free(alarms);
    bool is_told = sessile_handler_alarms_list(&whose, last == NULL ? NULL : &after, PAGE, &list, &failed);
    free(last);
    if (!is_told) return sessile_alarms_error_(&failed);
    if (list.len == 0) return SESSILE_OK;
    alarms->page_ = calloc(list.len, sizeof *alarms->page_);
    if (alarms->page_ == NULL) abort();
    alarms->count_ = list.len;
    for (size_t at = 0; at < list.len; at++) alarms->page_[at] = taken_over(&list.ptr[at]);
    free(list.ptr);
    alarms->is_ended_ = false;
    return SESSILE_OK;
}

sessile_status sessile_alarms_next(sessile_alarms *alarms, const sessile_alarm **alarm) {
    *alarm = NULL;
    if (alarms->at_ == alarms->count_ && !alarms->is_ended_) SESSILE_TRY(turn(alarms));
    if (alarms->at_ < alarms->count_) *alarm = &alarms->page_[alarms->at_++];
    return SESSILE_OK;
}
