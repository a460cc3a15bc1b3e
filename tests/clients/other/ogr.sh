# GDAL's driver: what QGIS and ogr2ogr do with relations that have no geometry.
export LC_ALL=C.UTF-8
source="PG:dbname=$PGDATABASE host=$PGHOST port=$PGPORT user=$PGUSER"
check() { printf '%s\t%s\n' "$1" "$(sed -E 's/port=[0-9]+/PORT/' | tr '\n' '|' | cut -c1-4000)"; }

ogrinfo -ro "$source" 2>&1 | sed 's/^[0-9]*: //' | sort | check 'layers'
ogrinfo -ro -so "$source" events 2>&1 | check 'layer'
ogrinfo -ro "$source tables=sales.facts" sales.facts 2>&1 | check 'layer of a schema'
ogrinfo -ro -sql 'SELECT order_id, total FROM orders WHERE order_id < 4 ORDER BY 1' "$source" 2>&1 | check 'statement'
ogr2ogr -f GeoJSON /vsistdout/ "$source" orders -where 'order_id BETWEEN 5 AND 8' -select order_id,total 2>&1 | grep -o '"properties": {[^}]*}' | sort | check 'filter'
ogr2ogr -f CSV /vsistdout/ "$source" events 2>&1 | sort | md5sum | check 'rows'
ogrinfo -ro "$source" nosuch 2>&1 | check 'no such layer'
