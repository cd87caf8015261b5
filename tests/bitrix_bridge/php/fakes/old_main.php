<?php
/** The fake old kernel: agents, users, mail, files, and the end of a request. */

use Bitrix\Main\Application;

class CMain
{
    private $exception;

    public static function FinalActions($output = '')
    {
        // The content is the output so far, as EndBufferContentMan() returns it.
        $content = $output === '' ? (string)ob_get_contents() : $output;
        \Bitrix\Main\Context::getCurrent()->getResponse()->setContent($content);
        Application::getInstance()->end();
    }

    public function ThrowException($message, $id = false)
    {
        $this->exception = $message;
    }

    public function GetException()
    {
        return $this->exception;
    }
}

class CAgent
{
    public static function AddAgent($name, $module = '', $period = 'N', $interval = 86400)
    {
        $connection = Application::getConnection();
        if ($connection->one('SELECT ID FROM b_agent WHERE NAME = ?', [$name])) {
            return false;
        }
        return $connection->put('b_agent', [
            'NAME' => $name, 'MODULE_ID' => $module, 'IS_PERIOD' => $period, 'AGENT_INTERVAL' => $interval,
            'NEXT_EXEC' => new \Bitrix\Main\Type\DateTime(),
        ]);
    }

    public static function RemoveAgent($name, $module = '')
    {
        Application::getConnection()->change('DELETE FROM b_agent WHERE NAME = ?', [$name]);
    }

    /**
     * Run all agents at once, even if they are not due, because a test can't wait a minute. The clock is the
     * database's.
     */
    public static function runAll()
    {
        $connection = Application::getConnection();
        foreach ($connection->all("SELECT ID, NAME FROM b_agent WHERE ACTIVE = 'Y'") as $agent) {
            $next = eval('return ' . $agent['NAME']);
            if ($next) {
                $set = 'UPDATE b_agent SET NAME = ?, LAST_EXEC = NOW(), NEXT_EXEC = NOW() WHERE ID = ?';
                $connection->change($set, [$next, $agent['ID']]);
            } else {
                // An agent that does not return its own call is deleted.
                $connection->change('DELETE FROM b_agent WHERE ID = ?', [$agent['ID']]);
            }
        }
    }
}

class CUser
{
    const COLUMNS = [
        'LOGIN', 'NAME', 'LAST_NAME', 'SECOND_NAME', 'EMAIL', 'PERSONAL_PHONE', 'PERSONAL_MOBILE', 'ACTIVE', 'LID',
        'EXTERNAL_AUTH_ID', 'XML_ID', 'PASSWORD',
    ];

    public $LAST_ERROR = '';

    public function GetID()
    {
        return null;
    }

    public function IsAuthorized()
    {
        return false;
    }

    public function GetUserGroupArray()
    {
        return [2];
    }

    public function Add($fields)
    {
        $connection = Application::getConnection();
        $this->LAST_ERROR = $this->problems($fields);
        if ($this->LAST_ERROR !== '') {
            return false;
        }
        $row = array_intersect_key($fields, array_flip(self::COLUMNS));
        $row['PASSWORD'] = '$6$' . md5($fields['PASSWORD']);
        $row += ['ACTIVE' => 'Y', 'CHECKWORD' => md5($row['PASSWORD'])];
        $row['DATE_REGISTER'] = $row['TIMESTAMP_X'] = new \Bitrix\Main\Type\DateTime();
        $id = $connection->put('b_user', $row);
        if (!empty($fields['PHONE_NUMBER'])) {
            $connection->put('b_user_phone_auth', ['USER_ID' => $id, 'PHONE_NUMBER' => $fields['PHONE_NUMBER']]);
        }
        return $id;
    }

    /** Return the problems of a user's fields as messages that end in <br>, as in Bitrix. */
    private function problems(array $fields)
    {
        $connection = Application::getConnection();
        $problems = '';
        if (mb_strlen($fields['LOGIN'] ?? '') < 3) {
            $problems .= 'Логин должен быть не менее 3 символов.<br>';
        }
        $password = $fields['PASSWORD'] ?? '';
        if (mb_strlen($password) < 6 || $password !== ($fields['CONFIRM_PASSWORD'] ?? $password)) {
            $problems .= 'Пароль должен быть не менее 6 символов длиной.<br>';
        }
        if (!filter_var($fields['EMAIL'] ?? '', FILTER_VALIDATE_EMAIL)) {
            $problems .= 'Неверный email.<br>';
        }
        if ($connection->one('SELECT ID FROM b_user WHERE LOGIN = ?', [$fields['LOGIN'] ?? ''])) {
            $problems .= 'Пользователь с логином "' . $fields['LOGIN'] . '" уже существует.<br>';
        }
        $phone = $fields['PHONE_NUMBER'] ?? '';
        $sql = 'SELECT USER_ID FROM b_user_phone_auth WHERE PHONE_NUMBER = ?';
        if ($phone !== '' && $connection->one($sql, [$phone])) {
            $problems .= 'Пользователь с номером телефона ' . $phone . ' уже существует.<br>';
        }
        return $problems;
    }

    public function Update($id, $fields)
    {
        Application::getConnection()->put('b_user', $fields, $id);
        $fields += ['ID' => $id, 'RESULT' => true];
        (new \Bitrix\Main\Event('main', 'OnAfterUserUpdate', [$fields]))->send();
    }
}

/** Mails. In Bitrix they are stored in b_event until they are sent. In the test shop they are never sent. */
class CEvent
{
    public static function Send($event, $site, $fields, $duplicate = 'Y', $messageId = '', $files = [], $language = '')
    {
        return Application::getConnection()->put('b_event', [
            'EVENT_NAME' => $event, 'LID' => $site, 'C_FIELDS' => serialize($fields), 'DUPLICATE' => $duplicate,
            'DATE_INSERT' => new \Bitrix\Main\Type\DateTime(),
        ]);
    }
}

class FakeList
{
    private $rows;

    public function __construct(array $rows)
    {
        $this->rows = $rows;
    }

    public function Fetch()
    {
        return array_shift($this->rows) ?: false;
    }
}

const FAKE_OFFER = 696614;
const FAKE_WITH_MINIATURE = 696620;

class CIBlockElement
{
    public static function GetProperty($iblockId, $id, $order, $filter)
    {
        $rows = [
            ['CODE' => 'OLD_PRICE', 'MULTIPLE' => 'N', 'VALUE' => '8900'],
            ['CODE' => 'COLOURS', 'MULTIPLE' => 'Y', 'VALUE' => 'red'],
            ['CODE' => 'COLOURS', 'MULTIPLE' => 'Y', 'VALUE' => 'white'],
        ];
        if ($id === FAKE_OFFER) {
            $rows[] = ['CODE' => 'CML2_LINK', 'MULTIPLE' => 'N', 'PROPERTY_TYPE' => 'E', 'VALUE' => '696613'];
        }
        if ($id === FAKE_WITH_MINIATURE) {
            $rows[] = ['CODE' => 'ru_img_miniature', 'MULTIPLE' => 'N', 'PROPERTY_TYPE' => 'F', 'VALUE' => '948'];
        }
        $code = $filter['CODE'] ?? '';
        return new FakeList(array_values(array_filter($rows, function (array $row) use ($code): bool {
            return $code === '' || $row['CODE'] === $code;
        })));
    }
}

class CFile
{
    public static function GetPath($id)
    {
        return '/upload/iblock/' . $id . '.jpg';
    }
}

function AddMessage2Log($text, $module = '', $depth = 6)
{
    file_put_contents(LOG_FILENAME, $text . "\n", FILE_APPEND);
}
