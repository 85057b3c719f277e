#include "emulator/service/permissions.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct permissions {
	cJSON *spec; /* NULL: there is none */
	bool broken; /* what there is says nothing that we understand */
};

int permissions_new(const char *spec, struct permissions **ret_permissions)
{
	struct permissions *permissions = calloc(1, sizeof(*permissions));
	if (!permissions)
		return -ENOMEM;
	permissions->spec = spec ? cJSON_Parse(spec) : NULL;
	permissions->broken = spec && !cJSON_IsObject(permissions->spec);
	*ret_permissions = permissions;
	return 0;
}

void permissions_free(struct permissions *permissions)
{
	if (!permissions)
		return;
	cJSON_Delete(permissions->spec);
	free(permissions);
}

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* ---- expressions: user | self & role:editor ---- */

static bool is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

/* Whether a condition holds of somebody with this role. */
static bool holds(const char *text, size_t len, enum role role)
{
	while (len > 0 && *text == ' ')
		text++, len--;
	while (len > 0 && text[len - 1] == ' ')
		len--;
	if (is_word(text, len, "guest") || is_word(text, len, "public"))
		return true;
	if (is_word(text, len, "user") || is_word(text, len, "self") ||
	    (len > 5 && memcmp(text, "role:", 5) == 0))
		return role >= ROLE_USER;
	return is_word(text, len, "admin") && role == ROLE_ADMIN;
}

/* All conditions of an alternative, which & stands between. */
static bool holds_all(const char *text, size_t len, enum role role)
{
	for (;;) {
		const char *mark = memchr(text, '&', len);
		size_t n = mark ? (size_t)(mark - text) : len;
		if (!holds(text, n, role))
			return false;
		if (!mark)
			return true;
		text += n + 1;
		len -= n + 1;
	}
}

static bool expression_holds(const char *text, enum role role)
{
	for (;;) {
		size_t len = strcspn(text, "|");
		if (holds_all(text, len, role))
			return true;
		if (!text[len])
			return false;
		text += len + 1;
	}
}

/* ---- tables ---- */

/* The group's word on an operation; a list's falls back to that on reading. */
static bool group_allows(const cJSON *group, enum operation operation)
{
	const cJSON *word = NULL;
	if (operation == OPERATION_LIST)
		word = member(group, "list");
	if (!word)
		word = member(group, "read");
	return cJSON_IsTrue(word);
}

static bool is_built_in(const char *group)
{
	return strcmp(group, "admin") == 0 || strcmp(group, "user") == 0 ||
	       strcmp(group, "guest") == 0 || strcmp(group, "self") == 0;
}

static bool groups_allow(
    const cJSON *groups, enum role role, enum operation operation)
{
	if (role == ROLE_GUEST)
		return group_allows(member(groups, "guest"), operation);
	if (group_allows(member(groups, "user"), operation) ||
	    group_allows(member(groups, "self"), operation))
		return true;
	const cJSON *group;
	cJSON_ArrayForEach (group, groups)
		if (!is_built_in(group->string) &&
		    group_allows(group, operation))
			return true;
	return false;
}

bool permissions_allow(const struct permissions *permissions, enum role role,
    enum operation operation)
{
	const cJSON *rules = member(permissions->spec, "expressionPermissions");
	const cJSON *groups = member(permissions->spec, "permissions");
	const cJSON *rule = NULL;
	if (role == ROLE_ADMIN || permissions->broken)
		return role == ROLE_ADMIN;
	if (operation == OPERATION_LIST)
		rule = member(rules, "list");
	if (!rule || !cJSON_IsString(rule))
		rule = member(rules, "read");
	if (rule && cJSON_IsString(rule))
		return expression_holds(rule->valuestring, role);
	/* Where nothing is set, everybody reads. */
	if (!groups || !groups->child)
		return true;
	return groups_allow(groups, role, operation);
}

/* ---- columns ---- */

static bool is_always_seen(const char *column)
{
	return strcmp(column, "id") == 0 || strcmp(column, "createdBy") == 0 ||
	       strcmp(column, "createdAt") == 0 ||
	       strcmp(column, "updatedAt") == 0;
}

void permissions_read_columns(const struct permissions *permissions,
    enum role role, struct columns *ret_columns)
{
	const cJSON *rules = member(permissions->spec, "columnPermissions");
	const cJSON *column;
	*ret_columns = (struct columns){.count = 0};
	if (role == ROLE_ADMIN || !cJSON_IsObject(rules))
		return;
	cJSON_ArrayForEach (column, rules) {
		const cJSON *rule = member(column, "read");
		if (!cJSON_IsString(rule) || is_always_seen(column->string) ||
		    expression_holds(rule->valuestring, role))
			continue;
		columns_hide(ret_columns, column->string);
	}
}

/* ---- rows ---- */

/* Whether a filter asks for what the requester owns. */
static bool names_requester(const cJSON *filter)
{
	if (cJSON_IsString(filter))
		return strcmp(filter->valuestring, "$userId") == 0;
	const cJSON *child;
	cJSON_ArrayForEach (child, filter)
		if (names_requester(child))
			return true;
	return false;
}

int permissions_read_rows(const struct permissions *permissions, enum role role,
    char **ret_alternatives)
{
	const cJSON *rules = member(permissions->spec, "rowFilters"), *rule;
	*ret_alternatives = NULL;
	if (role == ROLE_ADMIN || !cJSON_IsArray(rules))
		return 0;
	cJSON *list = cJSON_CreateArray();
	bool all = false;
	int r = list ? 0 : -ENOMEM;
	cJSON_ArrayForEach (rule, rules) {
		const cJSON *whom = member(rule, "expression");
		const cJSON *filter = member(rule, "filter");
		if (r < 0 || !cJSON_IsString(whom) ||
		    !expression_holds(whom->valuestring, role))
			continue;
		/* The account's id at the service is not known any more. */
		if (role == ROLE_USER && names_requester(filter))
			all = true;
		cJSON *copy = cJSON_Duplicate(filter, true);
		if (!copy || !cJSON_AddItemToArray(list, copy)) {
			cJSON_Delete(copy);
			r = -ENOMEM;
		}
	}
	if (r == 0 && !all && cJSON_GetArraySize(list) > 0) {
		*ret_alternatives = cJSON_PrintUnformatted(list);
		r = *ret_alternatives ? 0 : -ENOMEM;
	}
	cJSON_Delete(list);
	return r;
}
