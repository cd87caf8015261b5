<?php
/** The connection to a real MariaDB server in strict mode, which is MySQL's default. */

namespace Bitrix\Main\DB;

class MysqlConnection extends Connection
{
    const SQL_MODE = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,'
        . 'NO_ENGINE_SUBSTITUTION';

    public function __construct()
    {
        $address = 'unix_socket=' . getenv('FAKE_SOCKET') . ';dbname=' . getenv('FAKE_DATABASE');
        $this->pdo = new \PDO('mysql:charset=utf8mb4;' . $address, 'root', '', [
            \PDO::ATTR_ERRMODE => \PDO::ERRMODE_EXCEPTION,
            // Like Bitrix's connection, this connection returns strings and runs one statement at a time.
            \PDO::ATTR_STRINGIFY_FETCHES => true,
            \PDO::ATTR_EMULATE_PREPARES => true,
            \PDO::MYSQL_ATTR_MULTI_STATEMENTS => false,
        ]);
        $zone = getenv('FAKE_ZONE');
        $this->pdo->exec("SET SESSION sql_mode = '" . self::SQL_MODE . "', time_zone = '$zone'");
    }

    protected function converter(array $column)
    {
        $converters = ['DATETIME' => 'dateTime', 'TIMESTAMP' => 'dateTime', 'DATE' => 'date'];
        $name = $converters[$column['native_type'] ?? ''] ?? null;
        return $name ? [self::class, $name] : null;
    }

    public function lock($name, $timeout = 0)
    {
        $row = $this->query("SELECT GET_LOCK('" . self::lockName($name) . "', " . (int)$timeout . ') AS L')->fetch();
        return $row['L'] === '1';
    }

    public function unlock($name)
    {
        return $this->query("SELECT RELEASE_LOCK('" . self::lockName($name) . "') AS L")->fetch()['L'] === '1';
    }

    /**
     * Return the name of a lock. All databases of the server share its locks, so the name contains that of the
     * database.
     */
    private static function lockName($name)
    {
        return md5(getenv('FAKE_DATABASE')) . md5($name);
    }
}
