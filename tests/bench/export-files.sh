#!/bin/sh
# What the service's guide tells people to do: list the pages, and for each
# file one download-url and one GET, one after the other.
#
#   export-files.sh    into bkend_files/ below the working directory; BKEND_* as
#                      for a mount
set -eu

api() {
	curl -sf -H "X-API-Key: $BKEND_PUBLISHABLE_KEY" \
		-H "Authorization: Bearer $token" "$@"
}

token=$(curl -sf -X POST "$BKEND_API_URL/v1/auth/email/signin" \
	-H "X-API-Key: $BKEND_PUBLISHABLE_KEY" \
	-H "Content-Type: application/json" \
	-d "{\"method\":\"password\",\"email\":\"$BKEND_EMAIL\",\"password\":\"$BKEND_PASSWORD\"}" |
	jq -r '(.data // .).accessToken')

mkdir -p bkend_files
page=1
while
	api "$BKEND_API_URL/v1/files?page=$page&limit=100" >page.json
	jq -r '(.data // .).items[] | .id + " " + .originalName' page.json |
		while read -r id name; do
			url=$(api -X POST "$BKEND_API_URL/v1/files/$id/download-url" |
				jq -r '(.data // .).url')
			curl -sf "$url" -o "bkend_files/${id}_$name"
		done
	grep -q '"hasNextPage":true' page.json
do
	page=$((page + 1))
done
