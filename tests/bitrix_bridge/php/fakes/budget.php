<?php
/**
 * The customer's account in b_sale_user_account, as a fake. Bookings of an order are in a pool until the order is
 * saved.
 */

namespace Bitrix\Sale\Internals;

use Bitrix\Main\Application;
use Bitrix\Main\Type\DateTime;
use Bitrix\Sale\Order;
use Bitrix\Sale\Payment;

class UserBudgetPool
{
    const EXCESS_SUM_PAID = 'EXCESS_SUM_PAID';
    const ORDER_PAY = 'ORDER_PAY';
    const ORDER_CANCEL_PART = 'ORDER_CANCEL_PART';

    private static $pools = [];

    private $items = [];

    /**
     * Return the pool of a customer, which exists for the lifetime of the process.
     *
     * It also contains bookings of orders that are never saved.
     */
    public static function getUserBudgetPool($userId)
    {
        return self::$pools[$userId] = self::$pools[$userId] ?? new self();
    }

    public function get()
    {
        return $this->items;
    }

    public function delete($index)
    {
        $isThere = isset($this->items[$index]);
        unset($this->items[$index]);
        return $isThere;
    }

    public static function addPoolItem(Order $order, $sum, $type, Payment $payment = null)
    {
        if ((float)$sum === 0.0) {
            return;
        }
        self::getUserBudgetPool($order->getUserId())->items[] = [
            'sum' => (float)$sum, 'type' => $type, 'order' => $order, 'payment' => $payment,
        ];
    }

    /** Return the balance of the account plus the sums in the pool. */
    public static function getUserBudgetByOrder(Order $order)
    {
        $account = self::account($order->getUserId(), $order->getCurrency());
        $sum = $account && $account['LOCKED'] !== 'Y' ? (float)$account['CURRENT_BUDGET'] : 0.0;
        foreach (self::getUserBudgetPool($order->getUserId())->items as $item) {
            $sum += $item['sum'];
        }
        return $sum;
    }

    public static function onUserBudgetSave($userId)
    {
        $pool = self::getUserBudgetPool($userId);
        foreach ($pool->items as $index => $item) {
            self::book((int)$userId, $item);
            $pool->delete($index);
        }
    }

    /** Book an item on the account. If the customer does not exist, do nothing and return no error. */
    private static function book($userId, array $item)
    {
        $connection = Application::getConnection();
        if (!$connection->one('SELECT ID FROM b_user WHERE ID = ?', [$userId])) {
            return;
        }
        $currency = $item['order']->getCurrency();
        $account = self::account($userId, $currency);
        $now = new DateTime();
        if (!$account) {
            $fields = ['USER_ID' => $userId, 'CURRENCY' => $currency, 'CURRENT_BUDGET' => 0, 'TIMESTAMP_X' => $now];
            $account = ['ID' => $connection->put('b_sale_user_account', $fields), 'CURRENT_BUDGET' => '0.0000'];
        }
        $connection->put(
            'b_sale_user_account',
            ['CURRENT_BUDGET' => (float)$account['CURRENT_BUDGET'] + $item['sum'], 'TIMESTAMP_X' => $now],
            $account['ID']
        );
        $connection->put('b_sale_user_transact', [
            'USER_ID' => $userId, 'TIMESTAMP_X' => $now, 'TRANSACT_DATE' => $now, 'CURRENCY' => $currency,
            // This is the balance before the booking.
            'CURRENT_BUDGET' => (float)$account['CURRENT_BUDGET'],
            'AMOUNT' => abs($item['sum']),
            'DEBIT' => $item['sum'] > 0 ? 'Y' : 'N',
            'ORDER_ID' => $item['order']->getId() ?: null,
            'PAYMENT_ID' => $item['payment'] ? $item['payment']->getId() : null,
            'DESCRIPTION' => $item['type'],
        ]);
    }

    private static function account($userId, $currency)
    {
        $sql = 'SELECT * FROM b_sale_user_account WHERE USER_ID = ? AND CURRENCY = ?';
        return Application::getConnection()->one($sql, [(int)$userId, $currency]);
    }
}
