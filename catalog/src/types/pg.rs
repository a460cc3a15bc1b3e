//! The PostgreSQL types that clients may meet: results, parameters, and casts by name.

/// A row of `pg_type`, as far as the protocol needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PgType {
    /// `oid`
    pub oid: u32,
    /// `typlen`
    pub len: i16,
    /// `typarray`: the array type of which this is the element.
    pub array: u32,
    /// `typname`, such as `int4`.
    pub name: &'static str,
    /// What `format_type` and error messages call it, such as `integer`.
    pub sql_name: &'static str,
    /// The DuckDB type that stands for it in parameters and casts.
    pub duckdb: &'static str,
}

impl PgType {
    /// The type with this OID; array types are found by [`Self::by_array_oid`].
    pub fn by_oid(oid: u32) -> Option<&'static Self> {
        PG_TYPES.iter().find(|row| row.oid == oid)
    }

    /// The element type of the array type with this OID.
    pub fn by_array_oid(oid: u32) -> Option<&'static Self> {
        PG_TYPES.iter().find(|row| row.array == oid && oid != 0)
    }

    /// The type with this `typname`; arrays have an underscore before it.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        PG_TYPES.iter().find(|row| row.name == name)
    }
}

macro_rules! pg_types {
    ($($constant:ident $oid:literal $len:literal $array:literal $name:literal $sql:literal $duckdb:literal)*) => {
        /// OIDs of PostgreSQL's types.
        #[allow(missing_docs, reason = "each is named after its type")]
        pub mod oid {
            $(pub const $constant: u32 = $oid;)*
            pub const TEXT_ARRAY: u32 = 1009;
            pub const NUMERIC_ARRAY: u32 = 1231;
        }

        /// Every type in the order of its OID.
        pub const PG_TYPES: &[PgType] = &[
            $(PgType { oid: $oid, len: $len, array: $array, name: $name, sql_name: $sql, duckdb: $duckdb },)*
        ];
    };
}

pg_types! {
    BOOL 16 1 1000 "bool" "boolean" "BOOLEAN"
    BYTEA 17 -1 1001 "bytea" "bytea" "BLOB"
    CHAR 18 1 1002 "char" "\"char\"" "VARCHAR"
    NAME 19 64 1003 "name" "name" "VARCHAR"
    INT8 20 8 1016 "int8" "bigint" "BIGINT"
    INT2 21 2 1005 "int2" "smallint" "SMALLINT"
    INT2VECTOR 22 -1 1006 "int2vector" "int2vector" "VARCHAR"
    INT4 23 4 1007 "int4" "integer" "INTEGER"
    REGPROC 24 4 1008 "regproc" "regproc" "BIGINT"
    TEXT 25 -1 1009 "text" "text" "VARCHAR"
    OID 26 4 1028 "oid" "oid" "BIGINT"
    TID 27 6 1010 "tid" "tid" "VARCHAR"
    XID 28 4 1011 "xid" "xid" "BIGINT"
    CID 29 4 1012 "cid" "cid" "BIGINT"
    OIDVECTOR 30 -1 1013 "oidvector" "oidvector" "VARCHAR"
    JSON 114 -1 199 "json" "json" "JSON"
    XML 142 -1 143 "xml" "xml" "VARCHAR"
    PG_NODE_TREE 194 -1 0 "pg_node_tree" "pg_node_tree" "VARCHAR"
    CIDR 650 -1 651 "cidr" "cidr" "VARCHAR"
    FLOAT4 700 4 1021 "float4" "real" "FLOAT"
    FLOAT8 701 8 1022 "float8" "double precision" "DOUBLE"
    UNKNOWN 705 -2 0 "unknown" "unknown" "VARCHAR"
    MONEY 790 8 791 "money" "money" "DECIMAL(18,2)"
    MACADDR 829 6 1040 "macaddr" "macaddr" "VARCHAR"
    INET 869 -1 1041 "inet" "inet" "VARCHAR"
    ACLITEM 1033 12 1034 "aclitem" "aclitem" "VARCHAR"
    BPCHAR 1042 -1 1014 "bpchar" "character" "VARCHAR"
    VARCHAR 1043 -1 1015 "varchar" "character varying" "VARCHAR"
    DATE 1082 4 1182 "date" "date" "DATE"
    TIME 1083 8 1183 "time" "time without time zone" "TIME"
    TIMESTAMP 1114 8 1115 "timestamp" "timestamp without time zone" "TIMESTAMP"
    TIMESTAMPTZ 1184 8 1185 "timestamptz" "timestamp with time zone" "TIMESTAMP WITH TIME ZONE"
    INTERVAL 1186 16 1187 "interval" "interval" "INTERVAL"
    TIMETZ 1266 12 1270 "timetz" "time with time zone" "TIME WITH TIME ZONE"
    BIT 1560 -1 1561 "bit" "bit" "BIT"
    VARBIT 1562 -1 1563 "varbit" "bit varying" "BIT"
    NUMERIC 1700 -1 1231 "numeric" "numeric" "DECIMAL(38,10)"
    REGPROCEDURE 2202 4 2207 "regprocedure" "regprocedure" "BIGINT"
    REGOPER 2203 4 2208 "regoper" "regoper" "BIGINT"
    REGOPERATOR 2204 4 2209 "regoperator" "regoperator" "BIGINT"
    REGCLASS 2205 4 2210 "regclass" "regclass" "BIGINT"
    REGTYPE 2206 4 2211 "regtype" "regtype" "BIGINT"
    RECORD 2249 -1 2287 "record" "record" "VARCHAR"
    CSTRING 2275 -2 1263 "cstring" "cstring" "VARCHAR"
    ANY 2276 4 0 "any" "\"any\"" "VARCHAR"
    ANYARRAY 2277 -1 0 "anyarray" "anyarray" "VARCHAR"
    VOID 2278 4 0 "void" "void" "VARCHAR"
    UUID 2950 16 2951 "uuid" "uuid" "UUID"
    PG_LSN 3220 8 3221 "pg_lsn" "pg_lsn" "VARCHAR"
    PG_NDISTINCT 3361 -1 0 "pg_ndistinct" "pg_ndistinct" "VARCHAR"
    PG_DEPENDENCIES 3402 -1 0 "pg_dependencies" "pg_dependencies" "VARCHAR"
    JSONB 3802 -1 3807 "jsonb" "jsonb" "JSONB"
    JSONPATH 4072 -1 4073 "jsonpath" "jsonpath" "VARCHAR"
    REGNAMESPACE 4089 4 4090 "regnamespace" "regnamespace" "BIGINT"
    REGROLE 4096 4 4097 "regrole" "regrole" "BIGINT"
    REGCOLLATION 4191 4 4192 "regcollation" "regcollation" "BIGINT"
    PG_MCV_LIST 5017 -1 0 "pg_mcv_list" "pg_mcv_list" "VARCHAR"
    XID8 5069 8 271 "xid8" "xid8" "BIGINT"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_oid_stands_for_two_types() {
        let oids: Vec<_> = PG_TYPES
            .iter()
            .flat_map(|row| [row.oid, row.array])
            .filter(|&oid| oid != 0)
            .collect();
        assert_eq!(oids.iter().collect::<BTreeSet<_>>().len(), oids.len());
        assert!(PG_TYPES.is_sorted_by_key(|row| row.oid));
    }

    #[test]
    fn every_duckdb_type_can_be_read() {
        for row in PG_TYPES {
            let ty = crate::types::Type::parse(row.duckdb).unwrap();
            assert!(
                !matches!(ty, crate::types::Type::Other(_)),
                "{}",
                row.duckdb
            );
        }
    }
}
