<?php
/** The fake delivery services and pay systems. */

namespace Bitrix\Sale\Delivery\Services {
    use Bitrix\Main\Application;

    class Service
    {
        private $row;

        public function __construct(array $row)
        {
            $this->row = $row;
        }

        public function getId()
        {
            return (int)$this->row['ID'];
        }

        public function getName()
        {
            return $this->row['NAME'];
        }

        public function isAllowEditShipment()
        {
            return $this->row['ALLOW_EDIT_SHIPMENT'] === 'Y';
        }

        /** Return the price in the configuration of the service. */
        public function getPrice()
        {
            $config = unserialize((string)$this->row['CONFIG']) ?: [];
            return (float)($config['MAIN']['PRICE'] ?? 0);
        }
    }

    class EmptyDeliveryService
    {
        const CLASS_NAME = '\Bitrix\Sale\Delivery\Services\EmptyDeliveryService';

        public static function getEmptyDeliveryServiceId()
        {
            $connection = Application::getConnection();
            $row = $connection->one('SELECT ID FROM b_sale_delivery_srv WHERE CLASS_NAME = ?', [self::CLASS_NAME]);
            return $row ? (int)$row['ID'] : $connection->put('b_sale_delivery_srv', [
                'NAME' => 'Без доставки', 'ACTIVE' => 'Y', 'SORT' => 100, 'CLASS_NAME' => self::CLASS_NAME,
                'CURRENCY' => 'KZT', 'PARENT_ID' => 0,
            ]);
        }
    }

    class Manager
    {
        public static function getObjectById($id)
        {
            $row = Application::getConnection()->one('SELECT * FROM b_sale_delivery_srv WHERE ID = ?', [(int)$id]);
            return $row ? new Service($row) : null;
        }

        public static function getEmptyDeliveryServiceId()
        {
            return EmptyDeliveryService::getEmptyDeliveryServiceId();
        }
    }
}

namespace Bitrix\Sale\PaySystem {
    use Bitrix\Main\Application;
    use Bitrix\Sale\Internals\UserBudgetPool;
    use Bitrix\Sale\Payment;
    use Bitrix\Sale\PriceMaths;
    use Bitrix\Sale\Result;

    class Service
    {
        private $row;

        public function __construct(array $row)
        {
            $this->row = $row;
        }

        public function getField($name)
        {
            return $this->row[$name];
        }

        public function isAllowEditPayment()
        {
            return $this->row['ALLOW_EDIT_PAYMENT'] === 'Y';
        }

        public function isInner()
        {
            return (int)$this->row['ID'] === Manager::getInnerPaySystemId();
        }

        /** Pay a payment. Only the pay system of the customer's account can refuse it. */
        public function creditNoDemand(Payment $payment)
        {
            if (!$this->isInner()) {
                return new Result();
            }
            $order = $payment->getOrder();
            if ($payment->getSum() > PriceMaths::roundPrecision(UserBudgetPool::getUserBudgetByOrder($order))) {
                $text = 'Недостаточно средств для оплаты со внутреннего счета пользователя';
                return Result::refusal($text, 'ORDER_PAYMENT_NOT_ENOUGH_USER_BUDGET');
            }
            UserBudgetPool::addPoolItem($order, -$payment->getSum(), UserBudgetPool::ORDER_PAY, $payment);
            return new Result();
        }
    }

    class Manager
    {
        const INNER = 'inner';

        public static function getObjectById($id)
        {
            $row = Application::getConnection()->one('SELECT * FROM b_sale_pay_system_action WHERE ID = ?', [(int)$id]);
            return $row ? new Service($row) : null;
        }

        /** Return the id of the pay system of the customer's account. The first call creates this pay system. */
        public static function getInnerPaySystemId()
        {
            $connection = Application::getConnection();
            $row = $connection->one('SELECT ID FROM b_sale_pay_system_action WHERE ACTION_FILE = ?', [self::INNER]);
            return $row ? (int)$row['ID'] : $connection->put('b_sale_pay_system_action', [
                'NAME' => 'Внутренний счет', 'PSA_NAME' => 'Внутренний счет', 'ACTION_FILE' => self::INNER,
                'ACTIVE' => 'Y', 'ENTITY_REGISTRY_TYPE' => 'ORDER', 'NEW_WINDOW' => 'N',
            ]);
        }
    }
}
