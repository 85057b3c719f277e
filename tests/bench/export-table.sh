#!/bin/sh
# What the service's guide tells people to do: one curl a page, one page after
# the other, until "hasNext":true no longer appears.
#
#   export-table.sh TABLE    into the working directory; BKEND_* as for a mount
set -eu

token=$(curl -sf -X POST "$BKEND_API_URL/v1/auth/email/signin" \
	-H "X-API-Key: $BKEND_PUBLISHABLE_KEY" \
	-H "Content-Type: application/json" \
	-d "{\"method\":\"password\",\"email\":\"$BKEND_EMAIL\",\"password\":\"$BKEND_PASSWORD\"}" |
	jq -r '(.data // .).accessToken')

page=1
while
	curl -sf "$BKEND_API_URL/v1/data/$1?page=$page&limit=100" \
		-H "X-API-Key: $BKEND_PUBLISHABLE_KEY" \
		-H "Authorization: Bearer $token" >"$1_page$page.json"
	grep -q '"hasNext":true' "$1_page$page.json"
do
	page=$((page + 1))
done
