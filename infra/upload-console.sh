#!/usr/bin/env bash
# Brings the built console to the bucket that the last deployment told of. Files are named by what is in them, so those of a
# page that somebody has open stay until the next time; index.html, which names them, comes last.
set -euo pipefail
cd "$(dirname "$0")/.."

told=target/deployed.json
[[ -f console/dist/index.html ]] || { echo 'console: SKIPPED, it was not built (make console)'; exit 0; }
command -v aws > /dev/null || { echo 'needs the AWS CLI, version 2, to bring the console to its bucket'; exit 3; }

value() { node -p "Object.values(require('./$told')).map(it => it['$1']).find(it => it !== undefined)"; }
bucket=$(value ConsoleBucket)

aws s3 sync console/dist "s3://$bucket" --no-progress --exclude index.html --exclude config.json --exclude manifest.json \
  --cache-control 'public, max-age=31536000, immutable'
value ConsoleConfig | aws s3 cp - "s3://$bucket/config.json" --content-type application/json --cache-control no-cache
aws s3 cp console/dist/index.html "s3://$bucket/index.html" --no-progress --cache-control no-cache
echo "console: $(value ConsoleUrl)"
