// pgjdbc: everything that a tool built on JDBC asks, in the three query modes.

import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.sql.*;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Properties;
import java.util.TreeMap;

public class Check {
    interface Action { Object run() throws Exception; }

    static void check(String name, Action action) {
        String text;
        try {
            text = String.valueOf(action.run());
        } catch (SQLException error) {
            text = error.getClass().getSimpleName() + " " + error.getSQLState() + ": " + error.getMessage();
        } catch (Throwable error) {
            text = error.toString();
        }
        System.out.println(name + "\t" + text.replace('\n', '|').replace('\t', ' '));
    }

    static String rows(ResultSet result) throws SQLException {
        List<String> rows = new ArrayList<>();
        int columns = result.getMetaData().getColumnCount();
        while (result.next()) {
            List<String> row = new ArrayList<>();
            for (int i = 1; i <= columns; i++) {
                Object value = result.getObject(i);
                row.add(value instanceof byte[] bytes ? Arrays.toString(bytes) : String.valueOf(value));
            }
            rows.add(row.toString());
        }
        result.close();
        return rows.toString();
    }

    /** Rows about objects outside of the system's schemas only, in order. */
    static String own(ResultSet result, String schemaColumn) throws SQLException {
        List<String> rows = new ArrayList<>();
        int columns = result.getMetaData().getColumnCount();
        while (result.next()) {
            String schema = result.getString(schemaColumn);
            if (schema != null && !schema.equals("public") && !schema.equals("sales")) continue;
            List<String> row = new ArrayList<>();
            for (int i = 1; i <= columns; i++) row.add(result.getString(i));
            rows.add(row.toString());
        }
        rows.sort(Comparator.naturalOrder());
        return rows.toString();
    }

    static String describe(ResultSetMetaData data) throws SQLException {
        StringBuilder text = new StringBuilder();
        for (int i = 1; i <= data.getColumnCount(); i++) {
            text.append(data.getColumnName(i)).append(' ').append(data.getColumnTypeName(i)).append(' ')
                .append(data.getColumnType(i)).append(' ').append(data.getPrecision(i)).append(' ')
                .append(data.getScale(i)).append(' ').append(data.getColumnClassName(i)).append(' ')
                .append(data.getColumnDisplaySize(i)).append(' ').append(data.getTableName(i)).append(' ')
                .append(data.isAutoIncrement(i)).append(' ').append(data.isSigned(i)).append("; ");
        }
        return text.toString();
    }

    public static void main(String[] arguments) throws Exception {
        String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
        for (String mode : List.of("extended", "extendedForPrepared", "simple")) {
            Properties properties = new Properties();
            properties.setProperty("user", System.getenv("PGUSER"));
            properties.setProperty("preferQueryMode", mode);
            properties.setProperty("sslmode", "disable");
            try (Connection connection = DriverManager.getConnection(url, properties)) {
                queries(mode + ": ", connection);
                if (!mode.equals("simple")) parameters(mode + ": ", connection);
                if (mode.equals("extended")) metadata(connection);
            }
        }
    }

    static void queries(String mode, Connection connection) throws Exception {
        Statement statement = connection.createStatement();
        check(mode + "types", () -> rows(statement.executeQuery("SELECT * FROM events ORDER BY id LIMIT 2")));
        check(mode + "description", () -> describe(statement.executeQuery("SELECT * FROM events LIMIT 0").getMetaData()));
        check(mode + "description of expressions", () -> describe(statement.executeQuery(
            "SELECT e.id AS renamed, count(*) AS n, sum(e.n), avg(e.s), max(e.d), 'x' AS c FROM events e GROUP BY e.id LIMIT 0").getMetaData()));
        check(mode + "empty statement", () -> statement.execute(""));
        check(mode + "is valid", () -> connection.isValid(5));
        check(mode + "several statements", () -> {
            boolean first = statement.execute("SELECT 1; SELECT 2");
            String text = first + rows(statement.getResultSet());
            return text + statement.getMoreResults() + rows(statement.getResultSet());
        });
        check(mode + "max rows", () -> {
            try (Statement limited = connection.createStatement()) {
                limited.setMaxRows(7);
                return rows(limited.executeQuery("SELECT order_id FROM orders ORDER BY 1"));
            }
        });
        check(mode + "fetch size", () -> {
            connection.setAutoCommit(false);
            long sum = 0;
            try (Statement paged = connection.createStatement()) {
                paged.setFetchSize(10);
                ResultSet result = paged.executeQuery("SELECT order_id FROM orders ORDER BY 1");
                while (result.next()) sum += result.getInt(1);
            }
            connection.commit();
            connection.setAutoCommit(true);
            return sum;
        });
        check(mode + "prepared, often", () -> {
            StringBuilder text = new StringBuilder();
            try (PreparedStatement prepared = connection.prepareStatement(
                    "SELECT total, user_id, ?::text FROM orders WHERE order_id = ? AND total >= ?")) {
                for (int i = 1; i <= 12; i++) {
                    prepared.setString(1, "t" + i);
                    prepared.setInt(2, i);
                    prepared.setBigDecimal(3, new BigDecimal("0.5"));
                    text.append(rows(prepared.executeQuery()));
                }
            }
            return text;
        });
        check(mode + "null parameter", () -> {
            try (PreparedStatement prepared = connection.prepareStatement("SELECT count(*) FROM orders WHERE order_id = ? OR ?::text IS NULL")) {
                prepared.setNull(1, Types.INTEGER);
                prepared.setNull(2, Types.VARCHAR);
                return rows(prepared.executeQuery());
            }
        });
        check(mode + "cancel", () -> {
            try (Statement slow = connection.createStatement()) {
                new Thread(() -> {
                    try {
                        Thread.sleep(500);
                        slow.cancel();
                    } catch (Exception ignored) {
                        // The check shows it.
                    }
                }).start();
                long begun = System.nanoTime();
                try {
                    slow.executeQuery("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b");
                    return "not cancelled";
                } catch (SQLException error) {
                    return error.getSQLState() + ((System.nanoTime() - begun) < 2_000_000_000L);
                }
            }
        });
        check(mode + "query timeout", () -> {
            try (Statement slow = connection.createStatement()) {
                slow.setQueryTimeout(1);
                return rows(slow.executeQuery("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b"));
            }
        });
        check(mode + "savepoint", () -> {
            connection.setAutoCommit(false);
            Savepoint point = connection.setSavepoint("here");
            String text = "";
            try {
                statement.executeQuery("SELECT nosuch");
            } catch (SQLException error) {
                text = error.getSQLState();
            }
            connection.rollback(point);
            text += rows(statement.executeQuery("SELECT 1"));
            connection.releaseSavepoint(point);
            connection.rollback();
            connection.setAutoCommit(true);
            return text;
        });
        check(mode + "isolation", () -> {
            connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            String text = connection.getTransactionIsolation() + " ";
            connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
            connection.setReadOnly(true);
            text += rows(statement.executeQuery("SELECT 1"));
            connection.setReadOnly(false);
            return text + connection.getTransactionIsolation();
        });
        check(mode + "scrolling", () -> {
            try (Statement scroll = connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY)) {
                ResultSet result = scroll.executeQuery("SELECT order_id FROM orders ORDER BY 1");
                result.last();
                int last = result.getInt(1);
                result.absolute(3);
                return last + " " + result.getInt(1);
            }
        });
        check(mode + "arrays", () -> {
            ResultSet result = statement.executeQuery("SELECT ARRAY[1, 2], ARRAY['a', NULL], ARRAY[1.5, 2.25]");
            result.next();
            return Arrays.toString((Object[]) result.getArray(1).getArray()) + Arrays.toString((Object[]) result.getArray(2).getArray())
                + Arrays.toString((Object[]) result.getArray(3).getArray());
        });
        check(mode + "copy", () -> {
            java.io.StringWriter out = new java.io.StringWriter();
            new org.postgresql.copy.CopyManager(connection.unwrap(org.postgresql.core.BaseConnection.class))
                .copyOut("COPY (SELECT * FROM orders ORDER BY 1 LIMIT 2) TO STDOUT WITH (FORMAT csv)", out);
            return out;
        });
        check(mode + "error", () -> rows(statement.executeQuery("SELECT totl FROM orders")));
        check(mode + "schema", () -> {
            connection.setSchema("sales");
            String text = connection.getSchema() + rows(statement.executeQuery("SELECT count(*) FROM facts"));
            connection.setSchema("public");
            return text;
        });
        check(mode + "escapes", () -> rows(statement.executeQuery("SELECT {fn upper('x')}, {d '2026-01-02'}, {fn concat('a', 'b')}, {fn length('abc')}")));
    }

    /** What the simple mode, which writes parameters into the text, does not know. */
    static void parameters(String mode, Connection connection) throws Exception {
        check(mode + "all parameter types", () -> {
            try (PreparedStatement prepared = connection.prepareStatement(
                    "SELECT ?::int, ?::bigint, ?::float8, ?::text, ?::bool, ?::date, ?::timestamp, ?::timestamptz, ?::numeric, ?::bytea, ?::uuid, ?::time, ?::int[]")) {
                StringBuilder text = new StringBuilder();
                for (int i = 0; i < 7; i++) {
                    prepared.setInt(1, 1);
                    prepared.setLong(2, 1L << 40);
                    prepared.setDouble(3, 1.5);
                    prepared.setString(4, "it's");
                    prepared.setBoolean(5, true);
                    prepared.setDate(6, Date.valueOf("2026-01-02"));
                    prepared.setTimestamp(7, Timestamp.valueOf("2026-01-02 03:04:05.678"));
                    prepared.setObject(8, java.time.OffsetDateTime.parse("2026-01-02T03:04:05Z"));
                    prepared.setBigDecimal(9, new BigDecimal("1.20"));
                    prepared.setBytes(10, new byte[] {0, 1, (byte) 255});
                    prepared.setObject(11, java.util.UUID.fromString("00000000-0000-0000-0000-000000000007"));
                    prepared.setTime(12, Time.valueOf("01:02:03"));
                    prepared.setArray(13, connection.createArrayOf("int4", new Object[] {1, null, 3}));
                    ResultSet result = prepared.executeQuery();
                    result.next();
                    text.append(Arrays.toString(result.getBytes(10))).append(result.getTimestamp(8).toInstant());
                    for (int column : new int[] {1, 2, 3, 4, 5, 6, 7, 9, 11, 12, 13}) text.append(' ').append(result.getString(column));
                }
                return text;
            }
        });
        check(mode + "parameter metadata", () -> {
            try (PreparedStatement prepared = connection.prepareStatement("SELECT * FROM orders WHERE order_id = ? AND total > ?")) {
                ParameterMetaData data = prepared.getParameterMetaData();
                return data.getParameterTypeName(1) + data.getParameterTypeName(2) + describe(prepared.getMetaData());
            }
        });
    }

    static void metadata(Connection connection) throws Exception {
        DatabaseMetaData data = connection.getMetaData();
        // Every getter without parameters; those that name versions or lists of the server differ by nature.
        TreeMap<String, Method> getters = new TreeMap<>();
        for (Method method : DatabaseMetaData.class.getMethods())
            if (method.getParameterCount() == 0 && !method.getName().matches("getConnection|getURL|getDatabaseProductVersion|getSQLKeywords"))
                getters.put(method.getName(), method);
        for (var getter : getters.entrySet()) {
            check("metadata " + getter.getKey(), () -> {
                Object value;
                try {
                    value = getter.getValue().invoke(data);
                } catch (java.lang.reflect.InvocationTargetException error) {
                    throw (Exception) error.getCause();
                }
                if (!(value instanceof ResultSet result)) return value;
                List<String> names = new ArrayList<>();
                while (result.next()) {
                    String name = result.getString(1);
                    if (getter.getKey().equals("getTypeInfo") && !List.of("int4", "text", "numeric", "timestamptz", "bool", "uuid", "jsonb", "bytea").contains(name)) continue;
                    if (getter.getKey().equals("getSchemas") && !List.of("public", "sales", "pg_catalog", "information_schema").contains(name)) continue;
                    if (getter.getKey().equals("getCatalogs") && !name.equals("shop")) continue;
                    if (getter.getKey().equals("getTypeInfo")) name += result.getString(2) + " " + result.getString(3);
                    names.add(name);
                }
                return names;
            });
        }
        check("tables", () -> own(data.getTables(null, null, "%", new String[] {"TABLE", "VIEW", "FOREIGN TABLE"}), "TABLE_SCHEM"));
        check("tables of a schema", () -> own(data.getTables("shop", "sales", null, null), "TABLE_SCHEM"));
        check("columns", () -> own(data.getColumns(null, "public", "%", "%"), "TABLE_SCHEM"));
        check("columns by pattern", () -> own(data.getColumns(null, null, "ord%", "to%"), "TABLE_SCHEM"));
        check("primary keys", () -> rows(data.getPrimaryKeys(null, "public", "orders")));
        check("imported keys", () -> rows(data.getImportedKeys(null, "public", "orders")));
        check("exported keys", () -> rows(data.getExportedKeys(null, "public", "users")));
        check("cross reference", () -> rows(data.getCrossReference(null, "public", "users", null, "public", "orders")));
        check("index info", () -> rows(data.getIndexInfo(null, "public", "orders", false, true)));
        check("best row", () -> rows(data.getBestRowIdentifier(null, "public", "orders", DatabaseMetaData.bestRowSession, true)));
        check("version columns", () -> rows(data.getVersionColumns(null, "public", "nosuch")));
        check("table privileges", () -> data.getTablePrivileges(null, "public", "orders").next());
        check("column privileges", () -> data.getColumnPrivileges(null, "public", "orders", "%").next());
        check("procedures", () -> own(data.getProcedures(null, "public", "%"), "PROCEDURE_SCHEM"));
        check("functions", () -> own(data.getFunctions(null, "public", "%"), "FUNCTION_SCHEM"));
        check("user types", () -> rows(data.getUDTs(null, "public", "%", null)));
        check("client info", () -> data.getClientInfoProperties().next());
    }
}
