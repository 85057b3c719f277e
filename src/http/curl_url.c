/* What the transport takes for a URL, as http.h says. Any thread. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "http/http.h"

const char *http_curl_version(void)
{
	return curl_version();
}

/* One part of a parsed URL, to be freed by curl_free; NULL: it has none. */
static char *url_part(const char *url, CURLUPart part)
{
	char *text = NULL;
	CURLU *parsed = curl_url();
	if (parsed && curl_url_set(parsed, CURLUPART_URL, url,
			  CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
		curl_url_get(parsed, part, &text, 0);
	curl_url_cleanup(parsed);
	return text;
}

static bool host_is_loopback(const char *host)
{
	struct in_addr v4;
	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 &&
	       (ntohl(v4.s_addr) >> 24) == 127;
}

bool http_url_is_clear_remote(const char *url)
{
	char *scheme = url_part(url, CURLUPART_SCHEME);
	char *host = url_part(url, CURLUPART_HOST);
	bool remote = scheme && strcasecmp(scheme, "http") == 0 &&
		      !(host && host_is_loopback(host));
	curl_free(scheme);
	curl_free(host);
	return remote;
}

bool http_url_is_http(const char *url)
{
	char *scheme = url_part(url, CURLUPART_SCHEME);
	char *host = url_part(url, CURLUPART_HOST);
	bool http = scheme && host && *host &&
		    (strcasecmp(scheme, "http") == 0 ||
			strcasecmp(scheme, "https") == 0);
	curl_free(scheme);
	curl_free(host);
	return http;
}

const char *http_url_problem(const char *url)
{
	CURLU *parsed = curl_url();
	CURLUcode code = parsed ? curl_url_set(parsed, CURLUPART_URL, url,
				      CURLU_NON_SUPPORT_SCHEME)
				: CURLUE_OUT_OF_MEMORY;
	curl_url_cleanup(parsed);
	if (code != CURLUE_OK)
		return curl_url_strerror(code);
	if (!http_url_is_http(url))
		return "it is neither http nor https";
	if (http_url_is_clear_remote(url))
		return "http in the clear is for this machine only";
	return NULL;
}
