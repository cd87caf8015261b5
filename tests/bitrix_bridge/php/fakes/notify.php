<?php
/** The fake mails of an order. */

namespace Bitrix\Sale;

use Bitrix\Main\Application;

class Notify
{
    private static $isDisabled = false;
    private static $sent = [];

    /** Disable or enable mails for the whole request, or until this method is called again. */
    public static function setNotifyDisable($value)
    {
        self::$isDisabled = $value === true;
    }

    public static function isNotifyDisabled()
    {
        return self::$isDisabled;
    }

    /** Send a mail. Each mail is sent only once in a request. */
    public static function callNotify(Order $order, $event, Shipment $shipment = null)
    {
        if (self::$isDisabled) {
            return;
        }
        $letter = self::letter($order, $event);
        $key = $order->getId() . ' ' . $letter;
        if ($letter === '' || isset(self::$sent[$key])) {
            return;
        }
        self::$sent[$key] = true;
        \CEvent::Send($letter, $order->getField('LID'), self::fields($order, $shipment), 'Y');
    }

    private static function letter(Order $order, $event)
    {
        switch ($event) {
            case 'OnSaleOrderSaved':
                return $order->isNew() ? 'SALE_NEW_ORDER' : '';
            case 'OnSaleOrderCanceled':
                return $order->isCanceled() ? 'SALE_ORDER_CANCEL' : '';
            case 'OnSaleOrderPaid':
                return $order->isPaid() ? 'SALE_ORDER_PAID' : '';
            case 'OnSaleStatusOrderChange':
                return self::statusLetter($order);
            case 'OnShipmentTrackingNumberChange':
                return 'SALE_ORDER_TRACKING_NUMBER';
        }
        return '';
    }

    private static function statusLetter(Order $order)
    {
        $sql = 'SELECT s.NOTIFY FROM b_sale_status s INNER JOIN b_sale_status_lang l ON l.STATUS_ID = s.ID'
            . " AND l.LID = 'ru' WHERE s.ID = ?";
        $status = Application::getConnection()->one($sql, [$order->getField('STATUS_ID')]);
        return $status && $status['NOTIFY'] === 'Y' ? 'SALE_STATUS_CHANGED_' . $order->getField('STATUS_ID') : '';
    }

    private static function fields(Order $order, Shipment $shipment = null)
    {
        return [
            'ORDER_ID' => $order->getField('ACCOUNT_NUMBER'), 'ORDER_REAL_ID' => $order->getId(),
            'EMAIL' => self::email($order), 'PRICE' => $order->getPrice(), 'SALE_EMAIL' => 'order@cvety.example',
            'ORDER_TRACKING_NUMBER' => $shipment ? $shipment->getField('TRACKING_NUMBER') : '',
        ];
    }

    /** Return the e-mail in the properties of the order, or that of the account if the property is empty. */
    private static function email(Order $order)
    {
        $property = $order->getPropertyCollection()->getUserEmail();
        if ($property && (string)$property->getValue() !== '') {
            return (string)$property->getValue();
        }
        $user = Application::getConnection()->one('SELECT EMAIL FROM b_user WHERE ID = ?', [(int)$order->getUserId()]);
        return $user ? (string)$user['EMAIL'] : '';
    }
}
