// lib/pq through database/sql.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/lib/pq"
)

func check(name string, action func() (any, error)) {
	result, err := action()
	text := fmt.Sprintf("%v", result)
	if err != nil {
		text = err.Error()
		if known, ok := err.(*pq.Error); ok {
			text = fmt.Sprintf("%s %s at %s", known.Code, known.Message, known.Position)
		}
	}
	fmt.Printf("%s\t%s\n", name, strings.ReplaceAll(text, "\n", " | "))
}

func main() {
	db, err := sql.Open("postgres", "sslmode=disable")
	if err != nil {
		panic(err)
	}
	defer db.Close()
	rows := func(query string, values ...any) (any, error) {
		result, err := db.Query(query, values...)
		if err != nil {
			return nil, err
		}
		defer result.Close()
		columns, _ := result.Columns()
		all := []string{}
		for result.Next() {
			cells, targets := make([]any, len(columns)), make([]any, len(columns))
			for i := range cells {
				targets[i] = &cells[i]
			}
			if err := result.Scan(targets...); err != nil {
				return nil, err
			}
			for i, cell := range cells {
				if bytes, ok := cell.([]byte); ok {
					cells[i] = string(bytes)
				}
			}
			all = append(all, fmt.Sprint(cells...))
		}
		return all, result.Err()
	}
	check("types", func() (any, error) { return rows("SELECT * FROM events ORDER BY id LIMIT 2") })
	check("parameters", func() (any, error) {
		return rows("SELECT total FROM orders WHERE order_id = $1 AND total > $2", 5, "1.5")
	})
	check("array parameter", func() (any, error) {
		return rows("SELECT order_id FROM orders WHERE order_id = ANY($1) ORDER BY 1", pq.Array([]int{1, 2}))
	})
	check("column types", func() (any, error) {
		result, err := db.Query("SELECT order_id, total FROM orders LIMIT 1")
		if err != nil {
			return nil, err
		}
		defer result.Close()
		types, err := result.ColumnTypes()
		text := ""
		for _, ty := range types {
			precision, scale, _ := ty.DecimalSize()
			text += fmt.Sprint(ty.DatabaseTypeName(), ty.ScanType(), precision, scale, " ")
		}
		return text, err
	})
	check("prepared", func() (any, error) {
		prepared, err := db.Prepare("SELECT total FROM orders WHERE order_id = $1")
		if err != nil {
			return nil, err
		}
		var total string
		err = prepared.QueryRow(6).Scan(&total)
		return total, err
	})
	check("transaction", func() (any, error) {
		tx, err := db.BeginTx(context.Background(), &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
		if err != nil {
			return nil, err
		}
		var n int
		err = tx.QueryRow("SELECT count(*) FROM orders").Scan(&n)
		return n, firstOf(err, tx.Commit())
	})
	check("cancel", func() (any, error) {
		ctx, stop := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer stop()
		var n int
		return n, db.QueryRowContext(ctx, "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b").Scan(&n)
	})
	check("error", func() (any, error) { return rows("SELECT totl FROM orders") })
	check("ping", func() (any, error) { return "answered", db.Ping() })
	check("several statements", func() (any, error) { return rows("SELECT 1; SELECT 2") })
}

func firstOf(errors ...error) error {
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}
