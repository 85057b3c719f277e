#include "emulator/service/openapi.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

/* Documents as they nest in a schema; deeper ones may hold anything. */
#define DEPTH_MAX 32

/* What does not depend on the table. */
static const char components[] =
    "{\"schemas\":{"
    "\"Pagination\":{\"type\":\"object\",\"required\":[\"total\",\"page\","
    "\"limit\",\"totalPages\",\"hasNext\",\"hasPrev\"],\"properties\":{"
    "\"total\":{\"type\":\"integer\"},\"page\":{\"type\":\"integer\"},"
    "\"limit\":{\"type\":\"integer\"},\"totalPages\":{\"type\":\"integer\"},"
    "\"hasNext\":{\"type\":\"boolean\"},\"hasPrev\":{\"type\":\"boolean\"}}},"
    "\"Error\":{\"type\":\"object\",\"required\":[\"success\",\"error\"],"
    "\"properties\":{\"success\":{\"type\":\"boolean\"},\"error\":{"
    "\"type\":\"object\",\"required\":[\"code\",\"message\"],\"properties\":{"
    "\"code\":{\"type\":\"string\"},\"message\":{\"type\":\"string\"}}}}}},"
    "\"responses\":{\"Error\":{\"description\":\"What is wrong\",\"content\":{"
    "\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Error\""
    "}}}}},"
    "\"securitySchemes\":{\"apiKey\":{\"type\":\"apiKey\",\"in\":\"header\","
    "\"name\":\"X-API-Key\"},\"token\":{\"type\":\"http\",\"scheme\":"
    "\"bearer\"}}}";

static const char security[] = "[{\"apiKey\":[]},{\"apiKey\":[],\"token\":[]}]";

static const char list_parameters[] =
    "[{\"name\":\"page\",\"in\":\"query\",\"schema\":{\"type\":\"integer\","
    "\"minimum\":1,\"default\":1}},"
    "{\"name\":\"limit\",\"in\":\"query\",\"schema\":{\"type\":\"integer\","
    "\"minimum\":1,\"maximum\":100,\"default\":20}},"
    "{\"name\":\"sortBy\",\"in\":\"query\",\"schema\":{\"type\":\"string\"}},"
    "{\"name\":\"sortDirection\",\"in\":\"query\",\"schema\":{\"type\":"
    "\"string\",\"enum\":[\"asc\",\"desc\"],\"default\":\"desc\"}},"
    "{\"name\":\"search\",\"in\":\"query\",\"schema\":{\"type\":\"string\"}},"
    "{\"name\":\"searchType\",\"in\":\"query\",\"description\":\"The field to"
    " search in\",\"schema\":{\"type\":\"string\"}},"
    "{\"name\":\"andFilters\",\"in\":\"query\",\"description\":\"Conditions in"
    " JSON, all of which hold\",\"schema\":{\"type\":\"string\"}},"
    "{\"name\":\"orFilters\",\"in\":\"query\",\"description\":\"Conditions in"
    " JSON, one of which holds\",\"schema\":{\"type\":\"string\"}},"
    "{\"name\":\"select\",\"in\":\"query\",\"description\":\"Fields, with"
    " commas between\",\"schema\":{\"type\":\"string\"}}]";

static const char id_parameters[] =
    "[{\"name\":\"id\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":"
    "\"string\"}}]";

/* bsonType, and the type and format that OpenAPI has for it; the service's
 * own names for types are among them. Others may be anything. */
static const struct {
	const char *bson;
	const char *type;
	const char *format;
} types[] = {
    {"string", "string", NULL},
    {"objectId", "string", NULL},
    {"reference", "string", NULL},
    {"date", "string", "date-time"},
    {"bool", "boolean", NULL},
    {"boolean", "boolean", NULL},
    {"int", "integer", "int32"},
    {"long", "integer", "int64"},
    {"double", "number", "double"},
    {"decimal", "number", NULL},
    {"number", "number", NULL},
    {"object", "object", NULL},
    {"array", "array", NULL},
};

/* JSON Schema's words that OpenAPI 3.0 has too, and means the same by. */
static const char *const words[] = {"description", "enum", "maxLength",
    "minLength", "pattern", "minimum", "maximum", "minItems", "maxItems",
    "uniqueItems", "title"};

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* Take over child, which may be NULL. 0 or -ENOMEM. */
static int add(cJSON *object, const char *name, cJSON *child)
{
	if (child && cJSON_AddItemToObject(object, name, child))
		return 0;
	cJSON_Delete(child);
	return -ENOMEM;
}

static int add_string(cJSON *object, const char *name, const char *value)
{
	return add(object, name, cJSON_CreateString(value));
}

static int add_ref(cJSON *object, const char *name, const char *target)
{
	cJSON *ref = cJSON_CreateObject();
	if (ref && add_string(ref, "$ref", target) < 0) {
		cJSON_Delete(ref);
		ref = NULL;
	}
	return add(object, name, ref);
}

/* ---- fields ---- */

/* The first name of a type that is not null; whether null is one. */
static const char *bson_type(const cJSON *field, bool *ret_nullable)
{
	const cJSON *type = member(field, "bsonType"), *one;
	const char *found = NULL;
	*ret_nullable = cJSON_IsTrue(member(field, "nullable"));
	if (cJSON_IsString(type))
		return type->valuestring;
	cJSON_ArrayForEach (one, type) {
		const char *name = cJSON_GetStringValue(one);
		if (name && strcmp(name, "null") == 0)
			*ret_nullable = true;
		else if (name && !found)
			found = name;
	}
	return found;
}

static int copy_words(const cJSON *field, cJSON *schema)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(words); i++) {
		const cJSON *value = member(field, words[i]);
		if (value)
			r = add(schema, words[i], cJSON_Duplicate(value, true));
	}
	return r;
}

static cJSON *schema_of(const cJSON *field, int depth);

static int add_properties(const cJSON *field, cJSON *schema, int depth)
{
	const cJSON *properties = member(field, "properties"), *one;
	const cJSON *required = member(field, "required");
	cJSON *copies = cJSON_CreateObject();
	int r = copies ? 0 : -ENOMEM;
	cJSON_ArrayForEach (one, properties)
		if (r == 0)
			r = add(copies, one->string, schema_of(one, depth + 1));
	if (r < 0) {
		cJSON_Delete(copies);
		return r;
	}
	/* None of them known is not none of them there. */
	if (copies->child || depth == 0)
		r = add(schema, "properties", copies);
	else
		cJSON_Delete(copies);
	/* An empty list is not allowed. */
	if (r == 0 && cJSON_IsArray(required) && required->child)
		r = add(schema, "required", cJSON_Duplicate(required, true));
	return r;
}

static int fill_schema(
    const cJSON *field, const char *type, int depth, cJSON *schema)
{
	int r = copy_words(field, schema);
	if (r == 0 && strcmp(type, "object") == 0)
		r = add_properties(field, schema, depth);
	if (r == 0 && strcmp(type, "array") == 0)
		r = add(schema, "items",
		    schema_of(member(field, "items"), depth + 1));
	return r;
}

/* NULL: out of memory. field may be NULL: anything. */
static cJSON *schema_of(const cJSON *field, int depth)
{
	bool nullable = false;
	const char *bson = bson_type(field, &nullable);
	cJSON *schema = cJSON_CreateObject();
	int r = schema ? 0 : -ENOMEM;
	if (!schema || !bson || depth > DEPTH_MAX)
		return schema;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(types); i++) {
		if (strcmp(bson, types[i].bson) != 0)
			continue;
		r = add_string(schema, "type", types[i].type);
		if (r == 0 && types[i].format)
			r = add_string(schema, "format", types[i].format);
		if (r == 0)
			r = fill_schema(field, types[i].type, depth, schema);
		if (r == 0 && nullable)
			r = add(schema, "nullable", cJSON_CreateTrue());
	}
	if (r < 0) {
		cJSON_Delete(schema);
		return NULL;
	}
	return schema;
}

/* ---- the record and the page ---- */

/* The four fields that always come, in front of the table's own. */
static int add_system_fields(cJSON *schema)
{
	static const char *const names[] = {
	    "id", "createdBy", "createdAt", "updatedAt"};
	cJSON *properties = cJSON_GetObjectItem(schema, "properties");
	cJSON *required = cJSON_GetObjectItem(schema, "required");
	int r = 0;
	if (!required) {
		required = cJSON_CreateArray();
		r = add(schema, "required", required);
	}
	for (size_t i = ARRAY_SIZE(names); r == 0 && i-- > 0;) {
		const char *format = i < 2 ? NULL : "date-time";
		cJSON *field = cJSON_CreateObject();
		r = field ? add_string(field, "type", "string") : -ENOMEM;
		if (r == 0 && format)
			r = add_string(field, "format", format);
		cJSON_DeleteItemFromObjectCaseSensitive(properties, names[i]);
		if (r < 0)
			cJSON_Delete(field);
		else
			r = add(properties, names[i], field);
	}
	cJSON *id = r == 0 ? cJSON_CreateString("id") : NULL;
	return id && cJSON_AddItemToArray(required, id) ? 0 : -ENOMEM;
}

static int add_record(const char *spec, cJSON *schemas)
{
	cJSON *tree = spec ? cJSON_Parse(spec) : NULL;
	cJSON *record = cJSON_CreateObject();
	int r = record ? add_string(record, "type", "object") : -ENOMEM;
	if (r == 0)
		r = add_properties(member(tree, "schema"), record, 0);
	cJSON_Delete(tree);
	if (r == 0)
		r = add_system_fields(record);
	if (r == 0)
		r = add(record, "additionalProperties", cJSON_CreateTrue());
	if (r < 0) {
		cJSON_Delete(record);
		return r;
	}
	return add(schemas, "Record", record);
}

static const char page_schema[] =
    "{\"type\":\"object\",\"required\":[\"items\",\"pagination\"],"
    "\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"$ref\":"
    "\"#/components/schemas/Record\"}},\"pagination\":{\"$ref\":"
    "\"#/components/schemas/Pagination\"}}}";

/* ---- paths ---- */

/* An answer's schema, in the envelope or not. */
static cJSON *make_schema(bool envelope, const char *name)
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	int r = 0;
	if (envelope)
		r = buf_adds(&text,
		    "{\"type\":\"object\",\"required\":[\"success\","
		    "\"data\"],\"properties\":{\"success\":{\"type\":"
		    "\"boolean\"},\"data\":");
	if (r == 0)
		r = buf_printf(
		    &text, "{\"$ref\":\"#/components/schemas/%s\"}", name);
	if (r == 0 && envelope)
		r = buf_adds(&text, "}}");
	return r == 0 ? cJSON_Parse(buf_str(&text)) : NULL;
}

static cJSON *make_answers(
    bool envelope, const char *what, const char *schema_name)
{
	cJSON *answers = cJSON_CreateObject();
	cJSON *good = cJSON_AddObjectToObject(answers, "200");
	cJSON *content = cJSON_AddObjectToObject(good, "content");
	cJSON *json = cJSON_AddObjectToObject(content, "application/json");
	int r = json ? add_string(good, "description", what) : -ENOMEM;
	if (r == 0)
		r = add(json, "schema", make_schema(envelope, schema_name));
	if (r == 0)
		r = add_ref(answers, "default", "#/components/responses/Error");
	if (r < 0) {
		cJSON_Delete(answers);
		return NULL;
	}
	return answers;
}

/* One GET. */
struct endpoint {
	const char *verb;
	const char *parameters;
	const char *what;
	const char *schema;
};

static int add_get(cJSON *paths, const char *path, const char *table,
    const struct endpoint *endpoint, bool envelope)
{
	CLEANUP_BUF struct buf operation;
	buf_init(&operation, BUF_MAX_DEFAULT);
	cJSON *item = cJSON_AddObjectToObject(paths, path);
	cJSON *get = cJSON_AddObjectToObject(item, "get");
	int r = get ? buf_printf(&operation, "%s_%s", endpoint->verb, table)
		    : -ENOMEM;
	if (r == 0)
		r = add_string(get, "operationId", buf_str(&operation));
	if (r == 0)
		r = add_string(get, "summary", endpoint->what);
	if (r == 0)
		r = add(get, "parameters", cJSON_Parse(endpoint->parameters));
	if (r == 0)
		r = add(get, "responses",
		    make_answers(envelope, endpoint->what, endpoint->schema));
	return r;
}

static int add_paths(const char *table, bool envelope, cJSON *paths)
{
	static const struct endpoint list = {
	    "list", list_parameters, "A page of records", "Page"};
	static const struct endpoint one = {
	    "get", id_parameters, "One record", "Record"};
	CLEANUP_BUF struct buf path;
	buf_init(&path, BUF_MAX_DEFAULT);
	int r = buf_printf(&path, "/v1/data/%s", table);
	if (r == 0)
		r = add_get(paths, buf_str(&path), table, &list, envelope);
	if (r == 0)
		r = buf_adds(&path, "/{id}");
	if (r == 0)
		r = add_get(paths, buf_str(&path), table, &one, envelope);
	return r;
}

static int add_info(const char *table, cJSON *document)
{
	CLEANUP_BUF struct buf title, description;
	buf_init(&title, BUF_MAX_DEFAULT);
	buf_init(&description, BUF_MAX_DEFAULT);
	cJSON *info = cJSON_AddObjectToObject(document, "info");
	int r = info ? buf_printf(&title, "%s API", table) : -ENOMEM;
	if (r == 0)
		r = buf_printf(
		    &description, "Read API for a copy of the %s table", table);
	if (r == 0)
		r = add_string(info, "title", buf_str(&title));
	if (r == 0)
		r = add_string(info, "version", "1.0.0");
	if (r == 0)
		r = add_string(info, "description", buf_str(&description));
	return r;
}

static int fill(
    const char *table, const char *spec, bool envelope, cJSON *document)
{
	int r = add_string(document, "openapi", "3.0.0");
	if (r == 0)
		r = add_info(table, document);
	if (r == 0)
		r = add(document, "security", cJSON_Parse(security));
	cJSON *paths = cJSON_AddObjectToObject(document, "paths");
	if (r == 0)
		r = paths ? add_paths(table, envelope, paths) : -ENOMEM;
	if (r == 0)
		r = add(document, "components", cJSON_Parse(components));
	if (r < 0)
		return r;
	cJSON *schemas = cJSON_GetObjectItem(
	    cJSON_GetObjectItem(document, "components"), "schemas");
	r = add_record(spec, schemas);
	return r == 0 ? add(schemas, "Page", cJSON_Parse(page_schema)) : r;
}

int openapi_print(
    const char *table, const char *spec, bool envelope, struct buf *out)
{
	cJSON *document = cJSON_CreateObject();
	int r = document ? fill(table, spec, envelope, document) : -ENOMEM;
	char *text = r == 0 ? cJSON_PrintUnformatted(document) : NULL;
	cJSON_Delete(document);
	if (r == 0)
		r = text ? buf_adds(out, text) : -ENOMEM;
	cJSON_free(text);
	return r;
}
