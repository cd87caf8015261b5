<?php
/** The fake history of an order (b_sale_order_change), and its markers (b_sale_entity_marker). */

namespace Bitrix\Sale;

use Bitrix\Main\Application;
use Bitrix\Main\Type\DateTime;

class OrderHistory
{
    /**
     * The fields whose changes create a row. By entity and column: the type of the row, and the columns in its data.
     */
    const FIELDS = [
        'ORDER' => [
            'STATUS_ID' => ['ORDER_STATUS_CHANGED', ['STATUS_ID']],
            'CANCELED' => ['ORDER_CANCELED', ['CANCELED', 'REASON_CANCELED']],
            'PRICE' => ['ORDER_PRICE_CHANGED', ['PRICE', 'OLD_PRICE', 'CURRENCY']],
            'MARKED' => ['ORDER_MARKED', ['REASON_MARKED', 'MARKED']],
            'COMMENTS' => ['ORDER_COMMENTED', ['COMMENTS']],
            'USER_DESCRIPTION' => ['ORDER_USER_DESCRIPTION_CHANGED', ['USER_DESCRIPTION']],
            'RESPONSIBLE_ID' => ['ORDER_RESPONSIBLE_CHANGE', ['RESPONSIBLE_ID']],
            'PERSON_TYPE_ID' => ['ORDER_PERSON_TYPE_CHANGED', ['PERSON_TYPE_ID']],
            'DEDUCTED' => ['ORDER_DEDUCTED', ['DEDUCTED']],
        ],
        'BASKET' => [
            'QUANTITY' => ['BASKET_QUANTITY_CHANGED', ['NAME', 'QUANTITY']],
            'PRICE' => ['BASKET_PRICE_CHANGED', ['NAME', 'PRICE', 'CURRENCY']],
        ],
        'PAYMENT' => [
            'PAID' => ['PAYMENT_PAID', ['PAID', 'ID', 'PAY_SYSTEM_NAME']],
            'PAY_SYSTEM_ID' => ['ORDER_PAYMENT_SYSTEM_CHANGED', ['PAY_SYSTEM_ID']],
            'PAY_VOUCHER_NUM' => ['ORDER_PAYMENT_VOUCHER_CHANGED', ['PAY_VOUCHER_NUM']],
        ],
        'SHIPMENT' => [
            'DEDUCTED' => ['SHIPMENT_DEDUCTED', ['DEDUCTED']],
            'TRACKING_NUMBER' => ['SHIPMENT_TRACKING_NUMBER_CHANGED', ['TRACKING_NUMBER']],
        ],
    ];

    private $order;
    private $pool = [];

    public function __construct(Order $order)
    {
        $this->order = $order;
    }

    /** Add a change of a field, with the present values of the entity. */
    public function field($entity, $name, $old, $new, Entity $holder)
    {
        $new = is_array($new) ? serialize($new) : (string)$new;
        if (!isset(self::FIELDS[$entity][$name]) || $new === '' || $new == $old) {
            return;
        }
        list($type, $columns) = self::FIELDS[$entity][$name];
        $data = [];
        foreach ($columns as $column) {
            $data[$column] = $column === 'OLD_PRICE' ? $old : $holder->getField($column);
        }
        // If one field changes several times, only the last change is kept.
        $key = $entity . $name . $holder->getId();
        unset($this->pool[$key]);
        $this->pool[$key] = [$type, $data, $entity, $entity === 'PAYMENT' ? null : ($holder->getId() ?: null)];
    }

    public function action($entity, $type, $id, array $data = [])
    {
        $this->pool[] = [$type, $data, $entity, $id];
    }

    public function save()
    {
        global $USER;
        foreach ($this->pool as list($type, $data, $entity, $id)) {
            $now = new DateTime();
            foreach ($data as $name => $value) {
                $data[$name] = is_string($value) ? mb_substr($value, 0, 128) : $value;
            }
            Application::getConnection()->put('b_sale_order_change', [
                'ORDER_ID' => $this->order->getId(), 'TYPE' => $type, 'DATA' => serialize($data),
                'DATE_CREATE' => $now, 'DATE_MODIFY' => $now, 'USER_ID' => is_object($USER) ? (int)$USER->GetID() : 0,
                'ENTITY' => $entity, 'ENTITY_ID' => $id,
            ]);
        }
        $this->pool = [];
    }
}

/** The problems of an order. They are kept until they are marked as solved, even if they no longer exist. */
class EntityMarker
{
    private $order;
    private $pool = [];

    public function __construct(Order $order)
    {
        $this->order = $order;
    }

    public function add($entityType, Entity $entity, array $errors)
    {
        foreach ($errors as $error) {
            $this->pool[] = [$entityType, $entity, (string)$error->getCode(), $error->getMessage()];
            $this->order->setField('REASON_MARKED', $error->getMessage());
        }
    }

    /** Remove the mark of an order that has no problem. This runs before a save. */
    public function refresh()
    {
        $id = $this->order->getId();
        $sql = "SELECT ID FROM b_sale_entity_marker WHERE ORDER_ID = ? AND SUCCESS <> 'Y'";
        if ($id && !$this->pool && !Application::getConnection()->one($sql, [$id])) {
            $this->order->setField('MARKED', 'N');
        }
    }

    /** Save the problems, and update the order's row directly, without an event. This runs after a save. */
    public function save()
    {
        $connection = Application::getConnection();
        $reason = '';
        foreach ($this->pool as list($entityType, $entity, $code, $message)) {
            $reason = $message;
            $known = $connection->one(
                'SELECT ID FROM b_sale_entity_marker'
                . ' WHERE ORDER_ID = ? AND ENTITY_TYPE = ? AND ENTITY_ID = ? AND CODE = ?',
                [$this->order->getId(), $entityType, $entity->getId(), $code]
            );
            if (!$known) {
                $connection->put('b_sale_entity_marker', [
                    'ORDER_ID' => $this->order->getId(), 'ENTITY_TYPE' => $entityType, 'ENTITY_ID' => $entity->getId(),
                    'TYPE' => 'MANUAL', 'CODE' => $code, 'MESSAGE' => mb_substr($message, 0, 255), 'SUCCESS' => 'N',
                    'DATE_CREATE' => new DateTime(),
                ]);
            }
        }
        if ($this->pool) {
            $changes = ['MARKED' => 'Y', 'REASON_MARKED' => mb_substr($reason, 0, 255)];
            $connection->put('b_sale_order', $changes, $this->order->getId());
        }
        $this->pool = [];
    }
}
