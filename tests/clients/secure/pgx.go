// pgx and its pool over TLS with a password.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

const long = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b"

func check(name string, action func() (any, error)) {
	result, err := action()
	text := fmt.Sprintf("%v", result)
	if err != nil {
		text = err.Error()
		var known *pgconn.PgError
		if errors.As(err, &known) {
			text = known.Code + " " + known.Message
		}
	}
	fmt.Printf("%s\t%s\n", name, strings.ReplaceAll(text, "\n", " | "))
}

func control(verb string) {
	if err := exec.Command("bash", "secure/control.sh", verb).Run(); err != nil {
		panic(err)
	}
}

func settings(more string) string {
	return "host=localhost database=shop user=ann sslmode=verify-full sslrootcert=" + os.Getenv("PGSSLROOTCERT") + " " + more
}

func who(more string) (any, error) {
	background := context.Background()
	connection, err := pgx.Connect(background, settings(more))
	if err != nil {
		return nil, err
	}
	defer connection.Close(background)
	var user, database string
	err = connection.QueryRow(background, "SELECT current_user::text, current_database()::text").Scan(&user, &database)
	return user + " " + database, err
}

func main() {
	background := context.Background()
	check("enter", func() (any, error) { return who("") })
	check("wrong password", func() (any, error) { return who("password=wrong") })
	check("unknown user", func() (any, error) { return who("user=ghost") })
	check("unknown database", func() (any, error) { return who("database=nosuch") })
	check("in clear", func() (any, error) { return who("sslmode=disable") })
	check("foreign authority", func() (any, error) { return who("sslrootcert=" + os.Getenv("CLIENTS_FOREIGN_CA")) })
	for _, certificate := range []string{"expired", "elsewhere", "valid"} {
		control(certificate)
		check(certificate+" certificate", func() (any, error) {
			result, err := who("")
			if err != nil && certificate == "expired" && strings.Contains(err.Error(), "expired") {
				return "has expired", nil // Go's message has the time of day in it.
			}
			return result, err
		})
	}
	check("cancel", func() (any, error) {
		connection, err := pgx.Connect(background, settings(""))
		if err != nil {
			return nil, err
		}
		defer connection.Close(background)
		go func() {
			time.Sleep(500 * time.Millisecond)
			_ = connection.PgConn().CancelRequest(background)
		}()
		_, err = connection.Exec(background, long)
		var known *pgconn.PgError
		if !errors.As(err, &known) {
			return nil, err
		}
		var five int
		return known.Code, connection.QueryRow(background, "SELECT 5").Scan(&five)
	})
	check("deadline", func() (any, error) {
		connection, err := pgx.Connect(background, settings(""))
		if err != nil {
			return nil, err
		}
		limited, cancel := context.WithTimeout(background, 500*time.Millisecond)
		defer cancel()
		_, err = connection.Exec(limited, long)
		return []any{errors.Is(err, context.DeadlineExceeded), connection.IsClosed()}, nil
	})
	check("pool", func() (any, error) {
		pool, err := pgxpool.Connect(background, settings("pool_max_conns=3"))
		if err != nil {
			return nil, err
		}
		defer pool.Close()
		ask := func() (int, error) {
			count := 0
			err := pool.QueryRow(background, "SELECT count(*) FROM orders WHERE user_id = $1", 3).Scan(&count)
			return count, err
		}
		before, err := ask()
		if err != nil {
			return nil, err
		}
		control("restart")
		// A connection that was lost is found out by using it; then there is another.
		for attempt := 0; attempt < 4; attempt++ {
			after, err := ask()
			if err == nil {
				return []int{before, after}, nil
			}
		}
		return nil, errors.New("the pool does not recover")
	})
}
