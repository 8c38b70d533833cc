/* Who is in a group. */

#include "internal.h"

enum { PAGE = 250 };

sessile_member *sessile_members_(sessile_handler_groups_list_member_t list) {
    if (list.len == 0) return NULL;
    sessile_member *members = calloc(list.len, sizeof *members);
    if (members == NULL) abort();
    for (size_t at = 0; at < list.len; at++) {
        sessile_handler_groups_member_t *wire = &list.ptr[at];
        wit_string_t metadata = wire->metadata.val;
        members[at].id = wire->id;
        if (wire->metadata.is_some) members[at].metadata = sessile_own_(metadata.ptr, metadata.len);
        members[at].tags = sessile_list_(wire->tags);
    }
    free(list.ptr);
    return members;
}

void sessile_members_free_(sessile_member *members, size_t count) {
    for (size_t at = 0; at < count; at++) {
        free(members[at].metadata);
        sessile_list_free(&members[at].tags);
    }
    free(members);
}

void sessile_members_free(sessile_members *members) {
    sessile_members_free_(members->page_, members->count_);
    *members = (sessile_members){.group = members->group, .tag = members->tag, .is_ended_ = true};
}

static sessile_status turn(sessile_members *members) {
    bool is_first = members->page_ == NULL;
    sessile_id after = is_first ? 0 : members->page_[members->count_ - 1].id;
    wit_string_t group = sessile_text_(members->group), tag = sessile_text_(members->tag);
    sessile_handler_groups_error_t failed;
    sessile_handler_groups_list_member_t list;
    sessile_members_free(members);
    if (!sessile_handler_groups_members(&group, members->tag == NULL ? NULL : &tag, is_first ? NULL : &after, PAGE, &list,
                                        &failed))
        return sessile_groups_error_(&failed);
    members->page_ = sessile_members_(list);
    members->count_ = list.len;
    members->is_ended_ = list.len == 0;
    return SESSILE_OK;
}

sessile_status sessile_members_next(sessile_members *members, const sessile_member **member) {
    *member = NULL;
    if (members->at_ == members->count_ && !members->is_ended_) SESSILE_TRY(turn(members));
    if (members->at_ < members->count_) *member = &members->page_[members->at_++];
    return SESSILE_OK;
}
