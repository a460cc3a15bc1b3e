<?php
// PHP's pgsql and PDO.
set_error_handler(fn ($level, $message) => throw new ErrorException($message));

function check(string $name, callable $action): void
{
    try {
        $text = json_encode($action());
    } catch (Throwable $error) {
        $text = get_class($error) . ': ' . $error->getMessage();
    }
    echo $name, "\t", str_replace("\n", ' | ', $text), "\n";
}

$connection = pg_connect('sslmode=disable');
check('types', fn () => pg_fetch_all(pg_query($connection, 'SELECT * FROM events ORDER BY id LIMIT 2')));
check('field types', fn () => array_map(fn ($i) => pg_field_type(pg_query($connection, 'SELECT * FROM orders LIMIT 0'), $i), [0, 1, 2]));
check('field table', fn () => pg_field_table(pg_query($connection, 'SELECT * FROM orders LIMIT 0'), 2));
check('parameters', fn () => pg_fetch_all(pg_query_params($connection, 'SELECT total FROM orders WHERE order_id = $1', [3])));
check('meta data', fn () => array_map(fn ($column) => [$column['num'], $column['type'], $column['not null']], pg_meta_data($connection, 'orders')));
check('select', fn () => pg_select($connection, 'orders', ['order_id' => 3]));
check('copy', fn () => pg_copy_to($connection, '(SELECT * FROM orders ORDER BY 1 LIMIT 2)'));
check('error', fn () => pg_query($connection, 'SELECT totl FROM orders'));
$pdo = new PDO('pgsql:sslmode=disable;host=' . getenv('PGHOST') . ';port=' . getenv('PGPORT') . ';dbname=' . getenv('PGDATABASE'), getenv('PGUSER'));
check('PDO prepared', function () use ($pdo) {
    $statement = $pdo->prepare('SELECT total, user_id FROM orders WHERE order_id = :i');
    $statement->execute(['i' => 4]);
    return $statement->fetchAll(PDO::FETCH_ASSOC);
});
check('PDO column meta', function () use ($pdo) {
    $statement = $pdo->query('SELECT order_id, total FROM orders LIMIT 1');
    $meta = $statement->getColumnMeta(1);
    return [$meta['native_type'], $meta['name'], $meta['table'] ?? '', $meta['pgsql:oid']];
});
check('PDO cursor', function () use ($pdo) {
    $pdo->beginTransaction();
    $statement = $pdo->prepare('SELECT order_id FROM orders ORDER BY 1', [PDO::ATTR_CURSOR => PDO::CURSOR_SCROLL]);
    $statement->execute();
    $row = $statement->fetch(PDO::FETCH_NUM);
    $pdo->rollBack();
    return $row;
});
