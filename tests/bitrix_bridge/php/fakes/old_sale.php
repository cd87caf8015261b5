<?php
/** The fake old functions of the shop. They call the new ones, and differ from them in details. */

use Bitrix\Main\Application;
use Bitrix\Main\Config\Option;
use Bitrix\Main\Type\DateTime;
use Bitrix\Sale\Order;

class CSaleOrder
{
    /** The columns with their own behaviour, which are set through the new classes. */
    const BY_SET_FIELD = ['STATUS_ID', 'CANCELED', 'MARKED'];
    const DROPPED = ['ID', 'VERSION', 'PRICE_DELIVERY', 'DISCOUNT_VALUE', 'TAX_VALUE'];

    /**
     * Update an order. The save increments the version, which the events report. Then the table's version is
     * incremented again.
     */
    public static function Update($id, $fields)
    {
        $order = Order::load($id);
        if (!$order) {
            return self::refuse('Заказ не найден');
        }
        $order->setField('DATE_UPDATE', new DateTime());
        foreach (array_diff_key($fields, array_flip(self::DROPPED)) as $name => $value) {
            if (!in_array($name, self::BY_SET_FIELD, true)) {
                $order->setFieldNoDemand($name, $value);
                continue;
            }
            $result = $order->setField($name, $value);
            if (!$result->isSuccess()) {
                return self::refuse(implode('; ', $result->getErrorMessages()));
            }
        }
        $order->save();
        Application::getConnection()->change('UPDATE b_sale_order SET VERSION = VERSION + 1 WHERE ID = ?', [(int)$id]);
        return (int)$id;
    }

    public static function StatusOrder($id, $status)
    {
        $order = Order::load($id);
        if (!$order || $order->getField('STATUS_ID') === $status) {
            return self::refuse($order ? 'ALREADY_FLAG' : 'NO_ORDER');
        }
        return self::Update($id, ['STATUS_ID' => $status]);
    }

    public static function PayOrder($id, $flag)
    {
        $order = Order::load($id);
        if (!$order || $order->getField('PAYED') === $flag) {
            return self::refuse($order ? 'ALREADY_FLAG' : 'NO_ORDER');
        }
        if ($order->isCanceled()) {
            $order->setField('CANCELED', 'N');
        }
        foreach ($order->getPaymentCollection() as $payment) {
            $result = $payment->setPaid($flag);
            if (!$result->isSuccess()) {
                return self::refuse(implode('; ', $result->getErrorMessages()));
            }
        }
        $order->save();
        return true;
    }

    public static function CancelOrder($id, $flag, $reason = '')
    {
        $order = Order::load($id);
        if (!$order || $order->getField('CANCELED') === $flag) {
            return self::refuse($order ? 'ALREADY_FLAG' : 'NO_ORDER');
        }
        $result = $order->setField('CANCELED', $flag);
        if (!$result->isSuccess()) {
            return self::refuse(implode('; ', $result->getErrorMessages()));
        }
        $order->setField('REASON_CANCELED', $reason);
        $order->save();
        return true;
    }

    private static function refuse($text)
    {
        $GLOBALS['APPLICATION']->ThrowException($text);
        return false;
    }
}

class CSaleOrderPropsValue
{
    /** Update only the row. The order is not notified. */
    public static function Update($id, $fields)
    {
        $columns = ['ORDER_ID' => 1, 'ORDER_PROPS_ID' => 1, 'NAME' => 1, 'VALUE' => 1, 'CODE' => 1];
        $changes = array_intersect_key($fields, $columns);
        return Application::getConnection()->put('b_sale_order_props_value', $changes, $id);
    }
}

class CSaleUser
{
    /** Return the id of the account that all guests share. */
    public static function GetAnonymousUserID()
    {
        $id = (int)Option::get('sale', 'anonymous_user_id', '0');
        if ($id > 0 && Application::getConnection()->one('SELECT ID FROM b_user WHERE ID = ?', [$id])) {
            return $id;
        }
        $login = 'anonymous_' . substr(md5(uniqid('', true)), 0, 9);
        $password = uniqid('', true);
        $id = (int)(new CUser())->Add([
            'LOGIN' => $login, 'EMAIL' => $login . '@example.com', 'NAME' => 'Анонимный пользователь', 'ACTIVE' => 'N',
            'PASSWORD' => $password, 'CONFIRM_PASSWORD' => $password, 'LID' => SITE_ID,
            'EXTERNAL_AUTH_ID' => 'saleanonymous',
        ]);
        if ($id > 0) {
            Option::set('sale', 'anonymous_user_id', (string)$id);
        }
        return $id;
    }
}
