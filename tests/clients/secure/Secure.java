// pgjdbc and HikariCP over TLS with a password.

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.*;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

public class Secure {
    interface Action { Object run() throws Exception; }

    static final String LONG = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b";

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

    static void control(String verb) throws Exception {
        Process asked = new ProcessBuilder("bash", "secure/control.sh", verb).inheritIO().start();
        if (asked.waitFor() != 0) throw new IllegalStateException(verb);
    }

    static String url(String database) {
        return "jdbc:postgresql://localhost:" + System.getenv("PGPORT") + "/" + database;
    }

    static Properties properties(String... more) {
        Properties properties = new Properties();
        properties.setProperty("user", "ann");
        properties.setProperty("password", System.getenv("PGPASSWORD"));
        properties.setProperty("sslmode", "verify-full");
        properties.setProperty("sslrootcert", System.getenv("PGSSLROOTCERT"));
        for (int i = 0; i < more.length; i += 2) properties.setProperty(more[i], more[i + 1]);
        return properties;
    }

    static String who(String database, String... more) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url(database), properties(more))) {
            ResultSet result = connection.createStatement().executeQuery("SELECT current_user, current_database()");
            result.next();
            return result.getString(1) + " " + result.getString(2);
        }
    }

    static int orders(HikariDataSource pool, int user) throws SQLException {
        try (Connection connection = pool.getConnection()) {
            PreparedStatement statement = connection.prepareStatement("SELECT count(*) FROM orders WHERE user_id = ?");
            statement.setInt(1, user);
            ResultSet result = statement.executeQuery();
            result.next();
            return result.getInt(1);
        }
    }

    public static void main(String[] arguments) throws Exception {
        check("enter", () -> who("shop"));
        check("wrong password", () -> who("shop", "password", "wrong"));
        check("unknown user", () -> who("shop", "user", "ghost"));
        check("unknown database", () -> who("nosuch"));
        check("in clear", () -> who("shop", "sslmode", "disable"));
        check("foreign authority", () -> who("shop", "sslrootcert", System.getenv("CLIENTS_FOREIGN_CA")));
        for (String certificate : List.of("expired", "elsewhere", "valid")) {
            control(certificate);
            check(certificate + " certificate", () -> who("shop"));
        }
        check("cancel", () -> {
            try (Connection connection = DriverManager.getConnection(url("shop"), properties())) {
                Statement statement = connection.createStatement();
                Thread other = new Thread(() -> {
                    try {
                        Thread.sleep(500);
                        statement.cancel();
                    } catch (Exception error) {
                        throw new IllegalStateException(error);
                    }
                });
                other.start();
                try {
                    statement.executeQuery(LONG);
                } catch (SQLException error) {
                    other.join();
                    ResultSet result = connection.createStatement().executeQuery("SELECT 5");
                    result.next();
                    return error.getSQLState() + " " + result.getInt(1);
                }
                return "was not cancelled";
            }
        });
        check("query timeout", () -> {
            try (Connection connection = DriverManager.getConnection(url("shop"), properties())) {
                Statement statement = connection.createStatement();
                statement.setQueryTimeout(1);
                statement.executeQuery(LONG);
                return "was not cancelled";
            }
        });
        check("pages", () -> {
            try (Connection connection = DriverManager.getConnection(url("shop"), properties())) {
                connection.setAutoCommit(false);
                Statement statement = connection.createStatement();
                statement.setFetchSize(100);
                ResultSet result = statement.executeQuery("SELECT e.id, u.email FROM events e CROSS JOIN users u");
                int count = 0;
                while (result.next()) count++;
                return count;
            }
        });
        check("restart", () -> {
            try (Connection connection = DriverManager.getConnection(url("shop"), properties())) {
                connection.createStatement().executeQuery("SELECT 1");
                control("restart");
                List<String> heard = new ArrayList<>();
                for (int i = 0; i < 2; i++) {
                    try {
                        connection.createStatement().executeQuery("SELECT 2");
                    } catch (SQLException error) {
                        heard.add(error.getSQLState());
                    }
                }
                return heard + " " + connection.isValid(5) + " " + who("shop");
            }
        });
        check("HikariCP", () -> {
            HikariConfig config = new HikariConfig();
            config.setJdbcUrl(url("shop"));
            config.setDataSourceProperties(properties());
            config.setMaximumPoolSize(3);
            config.setReadOnly(true);
            config.setConnectionInitSql("SET application_name = 'pool'");
            try (HikariDataSource pool = new HikariDataSource(config)) {
                int before = orders(pool, 3);
                control("restart");
                // It looks at a connection before it hands it out, unless that was used just now.
                Thread.sleep(1000);
                return before + " " + orders(pool, 3) + " " + orders(pool, 4);
            }
        });
    }
}
